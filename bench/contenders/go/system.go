// What is asked of the kernel: a time limit, processor time, memory.
package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Ends the process after that time, whatever it does. A timer of the kernel: one of the runtime would be asked for the
// time at every turn of the scheduler, and be measured with it. SIGKILL, as Go takes no notice of SIGALRM.
func endAfter(seconds int64) error {
	const clockMonotonic = 1
	event := struct {
		value          uint64
		signal, notify int32
		pad            [12]uint32
	}{signal: int32(syscall.SIGKILL)} // notify 0: by signal
	var timer int32
	if _, _, e := syscall.Syscall(syscall.SYS_TIMER_CREATE, clockMonotonic, uintptr(unsafe.Pointer(&event)),
		uintptr(unsafe.Pointer(&timer))); e != 0 {
		return e
	}
	when := [2]syscall.Timespec{1: {Sec: seconds}} // interval, first
	if _, _, e := syscall.Syscall6(syscall.SYS_TIMER_SETTIME, uintptr(timer), 0, uintptr(unsafe.Pointer(&when)),
		0, 0, 0); e != 0 {
		return e
	}
	return nil
}

// Processor time of the whole process.
func processorTime() (time.Duration, error) {
	const clockProcess = 2
	var now syscall.Timespec
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockProcess, uintptr(unsafe.Pointer(&now)), 0); e != 0 {
		return 0, e
	}
	return time.Duration(now.Nano()), nil
}

// What the kernel says of this process's memory: resident pages with the page tables over them, and mappings.
type memory struct{ bytes, mappings float64 }

func memoryNow() (memory, error) {
	var now memory
	err := eachLine("/proc/self/status", func(line string) {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmPTE:") {
			kilobytes, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			now.bytes += kilobytes * 1024
		}
	})
	if err == nil {
		err = eachLine("/proc/self/maps", func(string) { now.mappings++ })
	}
	return now, err
}

func eachLine(path string, do func(string)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}
