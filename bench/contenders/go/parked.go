// Goroutines that wait for good: what they cost in memory, and in processor time.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Goroutines that wait for one channel to be closed.
type crowd struct {
	gate    chan struct{}
	waiting atomic.Int64
	joined  sync.WaitGroup
}

// Returns once all wait.
func park(size int) *crowd {
	c := &crowd{gate: make(chan struct{})}
	c.joined.Add(size)
	body := func() {
		c.waiting.Add(1)
		<-c.gate
		c.joined.Done()
	}
	for i := 0; i < size; i++ {
		go body()
	}
	for c.waiting.Load() < int64(size) {
		runtime.Gosched()
	}
	return c
}

func (c *crowd) release() {
	close(c.gate)
	c.joined.Wait()
}

func parked(o options) (figures, error) {
	size := o.sizeOr(10_000)
	if o.has("warm") {
		park(size).release()
	}
	before, err := memoryNow()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	c := park(size)
	spawned := time.Since(begin)
	now, err := memoryNow()
	if err != nil {
		return nil, err
	}
	begin = time.Now()
	c.release()
	woken := time.Since(begin)
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(size) }
	return figures{{"bytes", (now.bytes - before.bytes) / float64(size)}, {"mappings", now.mappings - before.mappings},
		{"us", each(spawned)}, {"wake_us", each(woken)}}, nil
}

// cpu_ms a second while nothing happens but the end of this sleep.
func idle(o options) (figures, error) {
	c := park(o.sizeOr(100_000))
	time.Sleep(200 * time.Millisecond) // what spins before it sleeps shall have ended
	before, err := processorTime()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	time.Sleep(2 * time.Second)
	after, err := processorTime()
	took := time.Since(begin)
	c.release()
	return figures{{"cpu_ms", float64((after - before).Nanoseconds()) / 1e6 / took.Seconds()}}, err
}
