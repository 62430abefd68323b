// Messages between two goroutines.
package main

import (
	"runtime"
	"sort"
	"sync/atomic"
	"time"
)

// The nearest to an event that one waits for and that is down again afterwards: a channel of nothing with room for one,
// Go's usual semaphore. (A message over a sync.Cond takes longer, with two workers three times as long.)
type event chan struct{}

func (e event) set()  { e <- struct{}{} }
func (e event) wait() { <-e }

func pingEvent(o options) (figures, error) {
	return repeat(o, 0, func(n int) (timed, error) {
		there, back, ended := make(event, 1), make(event, 1), make(event, 1)
		rounds := batches(n, 2)
		go func() {
			for i := 0; i < rounds; i++ {
				there.wait()
				back.set()
			}
			ended.set()
		}()
		begin := time.Now()
		for i := 0; i < rounds; i++ {
			there.set()
			back.wait()
		}
		took := time.Since(begin)
		ended.wait()
		return timed{took, 2 * rounds}, nil
	})
}

// With two workers, too, the goroutines run where the scheduler puts them, mostly both on one: Go cannot bind them to a
// worker, only to a thread, which makes every message a wake-up by the kernel. `pinned` says so.
func pingChannel(o options) (figures, error) {
	if o.has("asleep") {
		return pingAsleep(o)
	}
	result, err := repeat(o, 0, func(n int) (timed, error) {
		there, back := make(chan int, o.size), make(chan int, o.size)
		rounds := batches(n, 2)
		go func() {
			for i := 0; i < rounds; i++ {
				back <- <-there + 1
			}
		}()
		sum := 0
		begin := time.Now()
		for i := 0; i < rounds; i++ {
			there <- i
			sum += <-back
		}
		took := time.Since(begin)
		return timed{took, 2 * rounds}, checkEqual("the sum", sum, rounds*(rounds+1)/2)
	})
	return append(result, figure{"pinned", 0}), err
}

// The sender goes on computing after the send, so that the message has to be taken by the other worker, whose thread has
// gone to sleep before. Each repetition costs 2 ms of pause, so their number follows from --milliseconds; the figure is the
// median, as in `wake`.
func pingAsleep(o options) (figures, error) {
	if o.workers < 2 {
		return nil, unavailable("ping_channel asleep: with one worker the receiver's worker is the sender's")
	}
	const pause = 2 * time.Millisecond
	times := o.milliseconds / int(pause/time.Millisecond)
	if times < 50 {
		times = 50
	}
	var taken atomic.Int64
	there := make(chan int, o.size)
	begin := time.Now()
	go func() {
		for range there {
			taken.Store(int64(time.Since(begin)))
		}
	}()
	ns := make([]int64, 0, times)
	for i := 0; i < times; i++ {
		runtime.Gosched() // the receiver may still have to go to its channel
		for until := time.Since(begin) + pause; time.Since(begin) < until; {
		}
		sent := int64(time.Since(begin))
		there <- i
		for taken.Load() == 0 {
		}
		ns = append(ns, taken.Swap(0)-sent)
	}
	close(there)
	sort.Slice(ns, func(i, j int) bool { return ns[i] < ns[j] })
	return figures{{"ns", float64(ns[times/2])}, {"operations", float64(times)}, {"pinned", 0}}, nil
}
