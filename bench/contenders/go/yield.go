// Goroutines that yield in turn.
package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

func yield(o options) (figures, error) { return yieldInOrder(o, nil) }

// The queue is filled in a random order, so that what is done is the same as in `yield`, elsewhere in memory.
func yieldShuffled(o options) (figures, error) { return yieldInOrder(o, randomOrder(o.sizeOr(100))) }

func yieldInOrder(o options, order []int) (figures, error) {
	size := o.sizeOr(100)
	return repeat(o, size, func(n int) (timed, error) { return yieldRounds(size, batches(n, size), order), nil })
}

// In the round in which the time begins and in the last one, some goroutines start or end instead of yielding: with this
// many rounds that is little of the whole.
const leastRounds = 10

func yieldRounds(size, rounds int, order []int) timed {
	if rounds < leastRounds {
		rounds = leastRounds
	}
	var (
		started, left atomic.Int64
		begun         atomic.Bool
		end           = make(chan time.Time)
		gates         = make([]chan struct{}, len(order))
	)
	left.Store(int64(size))
	body := func() {
		started.Add(1)
		for !begun.Load() { // the yield during which the time begins is the first that counts
			runtime.Gosched()
		}
		for i := 1; i < rounds; i++ {
			runtime.Gosched()
		}
		if left.Add(-1) == 0 {
			end <- time.Now()
		}
	}
	for i := range gates {
		gates[i] = make(chan struct{})
		gate := gates[i]
		go func() { <-gate; body() }()
	}
	for _, i := range order {
		close(gates[i])
	}
	if order == nil {
		for i := 0; i < size; i++ {
			go body()
		}
	}
	for started.Load() < int64(size) {
		runtime.Gosched()
	}
	runtime.Gosched() // so that the last has yielded, too
	begin := time.Now()
	begun.Store(true)
	return timed{(<-end).Sub(begin), size * rounds}
}
