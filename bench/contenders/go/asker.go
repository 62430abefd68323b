// The asking side of `stall`.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sort"
	"syscall"
	"time"
	"unsafe"
)

// The asking side of `stall`, an open loop over ppoll(): due times are fixed beforehand, so that a server that stalls
// cannot slow the questions down. Its ends of the connections are the files from 3 on.

type connection struct {
	due        time.Duration // since the begin
	unanswered []time.Duration
	received   int // bytes of the answer to the first of them
}

type pollFd struct {
	fd             int32
	events, result int16
}

func ask(connections int) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // a collection would be taken for a stall of the server's
	const setTimerSlack = 29
	syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, 1, 0) // else the kernel adds 50 us to each pause
	const pollIn = 1
	all, ends := make([]connection, connections), make([]pollFd, connections)
	for i := range all {
		all[i] = connection{due: stallInterval * time.Duration(i) / time.Duration(connections)}
		ends[i] = pollFd{fd: int32(3 + i), events: pollIn}
	}
	latencies := make([]float64, 0, connections*int(stallDuration/stallInterval+1))
	begin := time.Now().Add(10 * time.Millisecond)
	for {
		next, left, err := askDue(all, ends, begin)
		if err != nil {
			return err
		}
		if !left {
			break
		}
		if err = waitForAny(ends, next-time.Since(begin)); err != nil {
			return err
		}
		for i := range all {
			if ends[i].result != 0 {
				if latencies, err = all[i].takeAnswers(int(ends[i].fd), begin, latencies); err != nil {
					return err
				}
			}
		}
	}
	sort.Float64s(latencies)
	at := func(part float64) float64 { return latencies[int(part*float64(len(latencies)-1))] }
	fmt.Println(figures{{"p50_us", at(0.5)}, {"p99_us", at(0.99)}, {"p999_us", at(0.999)},
		{"operations", float64(len(latencies))}}.json())
	return nil
}

// Sends what is due. When the next request is, and whether there are any answers or requests left.
func askDue(all []connection, ends []pollFd, begin time.Time) (next time.Duration, left bool, err error) {
	var message [stallMessageBytes]byte
	next = time.Since(begin) + stallInterval
	now := time.Since(begin)
	for i := range all {
		of := &all[i]
		if of.due < stallDuration && of.due <= now {
			sent, err := syscall.Write(int(ends[i].fd), message[:])
			if err != nil {
				return next, true, err
			}
			if sent != stallMessageBytes {
				return next, true, wrongResult("stall: a request did not fit in the socket")
			}
			of.unanswered = append(of.unanswered, of.due)
			of.due += stallInterval
		}
		if of.due < stallDuration && of.due < next {
			next = of.due
		}
		left = left || len(of.unanswered) > 0 || of.due < stallDuration
	}
	return next, left, nil
}

// A raw call: the runtime has nothing else to run on this thread, and would only make the end of the wait later.
func waitForAny(ends []pollFd, limit time.Duration) error {
	if limit < 0 {
		limit = 0
	}
	wait := syscall.NsecToTimespec(limit.Nanoseconds())
	_, _, e := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&ends[0])), uintptr(len(ends)),
		uintptr(unsafe.Pointer(&wait)), 0, 0, 0)
	if e == syscall.EINTR { // the runtime's own signals
		for i := range ends {
			ends[i].result = 0
		}
		return nil
	}
	if e != 0 {
		return e
	}
	return nil
}

func (of *connection) takeAnswers(end int, begin time.Time, latencies []float64) ([]float64, error) {
	var buffer [16 * stallMessageBytes]byte
	got, err := syscall.Read(end, buffer[:])
	now := time.Since(begin)
	if err != nil {
		return latencies, err
	}
	if got == 0 {
		return latencies, wrongResult("stall: a server closed its connection")
	}
	for of.received += got; of.received >= stallMessageBytes; of.received -= stallMessageBytes {
		if len(of.unanswered) == 0 {
			return latencies, wrongResult("stall: more answers than questions")
		}
		latencies = append(latencies, float64((now-of.unanswered[0]).Nanoseconds())/1e3)
		of.unanswered = of.unanswered[1:]
	}
	return latencies, nil
}
