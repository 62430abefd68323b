// Spawning and joining.
package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// A WaitGroup is what Go has for joining. What is spawned is a closure made once: only the goroutine is new.

func spawnJoin(o options) (figures, error) {
	return repeat(o, 0, func(n int) (timed, error) {
		var joined sync.WaitGroup
		count := 0
		child := func() { count++; joined.Done() }
		begin := time.Now()
		for i := 0; i < n; i++ {
			joined.Add(1)
			go child()
			joined.Wait()
		}
		took := time.Since(begin)
		return timed{took, n}, checkEqual("the count", count, n)
	})
}

func spawnBatch(o options) (figures, error) {
	size := o.sizeOr(10_000)
	return repeat(o, size, func(n int) (timed, error) {
		var (
			joined sync.WaitGroup
			count  atomic.Int64
		)
		child := func() { count.Add(1); joined.Done() }
		times := batches(n, size)
		begin := time.Now()
		for i := 0; i < times; i++ {
			for j := 0; j < size; j++ {
				joined.Add(1)
				go child()
			}
			joined.Wait()
		}
		took := time.Since(begin)
		return timed{took, times * size}, checkEqual("the count", count.Load(), int64(times*size))
	})
}
