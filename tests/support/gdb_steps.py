"""What the scripts share that gdb runs to step through a program: how one is begun, and which calls an instruction is in."""
import gdb


def begin_at(function, *more_settings):
    """Runs the program up to the function.

    \return False: no process may be traced here."""
    for setting in ("pagination off", "confirm off", "startup-with-shell off", "debuginfod enabled off", *more_settings):
        try:
            gdb.execute(f"set {setting}", to_string=True)
        except gdb.error:
            pass  # an option this gdb does not know
    gdb.execute(f"break {function}", to_string=True)
    try:
        gdb.execute("run", to_string=True)
    except gdb.error as error:
        print(f"skipped: {error}")
        return False
    return True


def chain(deepest):
    """Names of the calls, innermost first, at most so many. The C library's own may be unknown."""
    names, frame = [], gdb.newest_frame()
    while frame is not None and len(names) < deepest:
        if frame.type() != gdb.INLINE_FRAME:  # a call the compiler inlined: the function around it counts
            names.append(frame.name() or "??")
        frame = frame.older()
    return names


def instruction():
    return gdb.execute(f"x/i {gdb.newest_frame().pc()}", to_string=True).strip()


def print_wrong(wrong):
    for text in wrong[:20]:
        print("wrong chain at", text)
