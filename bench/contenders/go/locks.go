// sync.Mutex: alone, contended, and held over a yield.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func lock(o options) (figures, error) {
	return repeat(o, 0, func(n int) (timed, error) {
		var mutex sync.Mutex
		begin := time.Now()
		for i := 0; i < n; i++ {
			mutex.Lock()
			mutex.Unlock()
		}
		return timed{time.Since(begin), n}, nil
	})
}

// A counter and its mutex, on cache lines of their own.
type counter struct {
	_     [64]byte
	mutex sync.Mutex
	value int
	_     [64]byte
}

// `size` goroutines that each do `step` `rounds` times, from the moment at which all may begin.
func (c *counter) contend(size, rounds int, step func()) (timed, error) {
	var joined sync.WaitGroup
	joined.Add(size)
	gate := make(chan struct{})
	for i := 0; i < size; i++ {
		go func() {
			<-gate
			for j := 0; j < rounds; j++ {
				step()
			}
			joined.Done()
		}()
	}
	begin := time.Now()
	close(gate)
	joined.Wait()
	took := time.Since(begin)
	return timed{took, size * rounds}, checkEqual("the count", c.value, size*rounds)
}

func lockContended(o options) (figures, error) {
	size := o.sizeOr(64)
	result, err := calibrate(o, size, func(n int) (timed, error) {
		c := new(counter)
		return c.contend(size, batches(n, size), func() {
			c.mutex.Lock()
			c.value++
			c.mutex.Unlock()
		})
	})
	if err != nil {
		return nil, err
	}
	longest, err := longestWait(size, result.operations/size)
	return append(result.perOperation(), figure{"longest_us", float64(longest.Nanoseconds()) / 1e3}), err
}

// One more pass, with the clock read around each lock.
func longestWait(size, rounds int) (time.Duration, error) {
	c := new(counter)
	var longest atomic.Int64
	_, err := c.contend(size, rounds, func() {
		before := time.Now()
		c.mutex.Lock()
		waited := int64(time.Since(before))
		c.value++
		c.mutex.Unlock()
		for seen := longest.Load(); waited > seen && !longest.CompareAndSwap(seen, waited); seen = longest.Load() {
		}
	})
	return time.Duration(longest.Load()), err
}

func lockYielding(o options) (figures, error) {
	size := o.sizeOr(64)
	return repeat(o, size, func(n int) (timed, error) {
		c := new(counter)
		return c.contend(size, batches(n, size), func() {
			c.mutex.Lock()
			runtime.Gosched()
			c.value++
			c.mutex.Unlock()
		})
	})
}
