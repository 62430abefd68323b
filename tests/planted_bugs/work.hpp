// A bit of everything that fibers do, without a bug.
#pragma once

void work();  // prints "work: done"; aborts where a result is wrong
