// One channel for many.
package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func manyChannel(o options) (figures, error) {
	const senders, receivers = 8, 8
	capacity := o.sizeOr(1024)
	return repeat(o, capacity, func(n int) (timed, error) {
		var (
			sent, received sync.WaitGroup
			sum            atomic.Int64
		)
		each := batches(n, senders)
		channel := make(chan int, capacity)
		gate := make(chan struct{})
		sent.Add(senders)
		received.Add(receivers)
		for i := 0; i < receivers; i++ {
			go func() {
				own := 0
				for value := range channel {
					own += value
				}
				sum.Add(int64(own))
				received.Done()
			}()
		}
		for i := 0; i < senders; i++ {
			go func() {
				<-gate
				for value := 1; value <= each; value++ {
					channel <- value
				}
				sent.Done()
			}()
		}
		begin := time.Now()
		close(gate)
		sent.Wait()
		close(channel)
		received.Wait()
		took := time.Since(begin)
		return timed{took, senders * each}, checkEqual("the sum", sum.Load(), int64(senders*each*(each+1)/2))
	})
}
