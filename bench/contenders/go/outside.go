// Work that comes from a thread.
package main

import (
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What comes nearest to a thread that is not the runtime's: a goroutine with a thread to itself. While it runs it is one of
// GOMAXPROCS, so `post` gives it one more; while it waits it is none, and the thread that it wakes up is another.

func post(o options) (figures, error) {
	runtime.GOMAXPROCS(o.workers + 1)
	runtime.LockOSThread()
	return repeat(o, 0, func(n int) (timed, error) {
		var (
			done  sync.WaitGroup
			count atomic.Int64
		)
		work := func() { count.Add(1); done.Done() }
		done.Add(n)
		begin := time.Now()
		for i := 0; i < n; i++ {
			go work()
		}
		done.Wait()
		took := time.Since(begin)
		return timed{took, n}, checkEqual("the count", count.Load(), int64(n))
	})
}

// Slept in the kernel: with time.Sleep a thread of the runtime would wake up to end it, and be awake when the work comes.
// The work is a message, after which the thread waits for the answer: if it only went on in the kernel, the runtime would
// notice late that there is a worker to be had. If it computed instead, nobody would take the work before it ends.
func wake(o options) (figures, error) {
	runtime.LockOSThread()
	const asleep = 25 * time.Millisecond
	times := o.milliseconds / int(asleep/time.Millisecond)
	if times < 5 {
		times = 5
	}
	work, ran := make(chan func()), make(chan time.Time)
	go func() {
		for do := range work {
			do()
		}
	}()
	isNow := func() { now := time.Now(); ran <- now }
	var us []float64
	for i := 0; i < times; i++ {
		if err := sleepInKernel(asleep); err != nil {
			return nil, err
		}
		before := time.Now()
		work <- isNow
		us = append(us, float64((<-ran).Sub(before).Nanoseconds())/1e3)
	}
	close(work)
	sort.Float64s(us)
	return figures{{"us", us[len(us)/2]}, {"operations", float64(times)}}, nil
}

func sleepInKernel(time time.Duration) error {
	left := syscall.NsecToTimespec(time.Nanoseconds())
	for {
		err := syscall.Nanosleep(&left, &left)
		if err != syscall.EINTR { // the runtime's own signals interrupt it
			return err
		}
	}
}
