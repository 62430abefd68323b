// Sleeps that end, and timers that are cancelled.
package main

import (
	"sync"
	"time"
)

func sleepers(o options) (figures, error) {
	size := o.sizeOr(1_000_000)
	longest := time.Duration(0)
	for i := 0; i < size; i++ {
		if sleep := sleepTime(i); sleep > longest {
			longest = sleep
		}
	}
	var joined sync.WaitGroup
	joined.Add(size)
	before, err := processorTime()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for i := 0; i < size; i++ {
		go func(sleep time.Duration) {
			time.Sleep(sleep)
			joined.Done()
		}(sleepTime(i))
	}
	joined.Wait()
	late := time.Since(begin) - longest
	after, err := processorTime()
	return figures{{"late_s", late.Seconds()}, {"cpu_s", (after - before).Seconds()}}, err
}

// A new timer each time, as context.WithTimeout and the select statements of most programs make one.
func timerCancel(o options) (figures, error) {
	return repeat(o, 0, func(n int) (timed, error) {
		stopped := 0
		begin := time.Now()
		for i := 0; i < n; i++ {
			if time.NewTimer(time.Hour).Stop() {
				stopped++
			}
		}
		took := time.Since(begin)
		return timed{took, n}, checkEqual("the number of timers stopped in time", stopped, n)
	})
}
