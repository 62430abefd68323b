// Trees of goroutines.
package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// What a node waits for: its children, and the sum of what they have found.
type family struct {
	children sync.WaitGroup
	sum      atomic.Uint64
}

func (f *family) fork(child func() uint64) {
	f.children.Add(1)
	go func() {
		f.sum.Add(child())
		f.children.Done()
	}()
}

func (f *family) join() uint64 {
	f.children.Wait()
	return f.sum.Load()
}

// The time that `walk` takes in a goroutine of its own, and its result.
func walked(walk func() uint64) (time.Duration, uint64) {
	result := make(chan uint64)
	begin := time.Now()
	go func() { result <- walk() }()
	value := <-result
	return time.Since(begin), value
}

func milliseconds(took time.Duration) float64 { return float64(took.Nanoseconds()) / 1e6 }

// ---- skynet

func skynetNode(first, count uint64) uint64 {
	if count == 1 {
		return first
	}
	var f family
	part := count / skynetChildren
	for i := uint64(0); i < skynetChildren; i++ {
		child := first + i*part
		f.fork(func() uint64 { return skynetNode(child, part) })
	}
	return f.join()
}

// As its author wrote it: one channel without room for each node.
func skynetSend(to chan uint64, first, count uint64) {
	if count == 1 {
		to <- first
		return
	}
	results := make(chan uint64)
	part := count / skynetChildren
	for i := uint64(0); i < skynetChildren; i++ {
		go skynetSend(results, first+i*part, part)
	}
	sum := uint64(0)
	for i := 0; i < skynetChildren; i++ {
		sum += <-results
	}
	to <- sum
}

func skynet(o options) (figures, error) {
	leaves := o.sizeOr(1_000_000)
	if !skynetSizeFits(leaves) {
		return nil, unavailable("skynet: the size must be a power of ten")
	}
	node := func() uint64 { return skynetNode(0, uint64(leaves)) }
	if o.has("channel") {
		node = func() uint64 {
			result := make(chan uint64)
			go skynetSend(result, 0, uint64(leaves))
			return <-result
		}
	}
	took, sum := walked(node)
	return figures{{"ms", milliseconds(took)}}, checkEqual("the sum", sum, uint64(leaves)*uint64(leaves-1)/2)
}

// ---- fib

// One half is forked and the other called: to fork the second as well only makes the parent wait.
func fibNode(n int) uint64 {
	if n < 2 {
		return uint64(n)
	}
	var (
		forked sync.WaitGroup
		half   uint64
	)
	forked.Add(1)
	go func() {
		half = fibNode(n - 1)
		forked.Done()
	}()
	other := fibNode(n - 2)
	forked.Wait()
	return half + other
}

func fib(o options) (figures, error) {
	n := o.sizeOr(35)
	if n > 90 {
		return nil, unavailable("fib: the size must be 90 at most")
	}
	took, value := walked(func() uint64 { return fibNode(n) })
	calls := float64(fibCalls(n))
	return figures{{"ns", float64(took.Nanoseconds()) / calls}, {"operations", calls}},
		checkEqual("fib", value, fibValue(n))
}

// ---- nqueens

func queensNode(q queens) uint64 {
	if q.done() {
		return 1
	}
	var f family
	q.each(func(next queens) {
		f.fork(func() uint64 { return queensNode(next) })
	})
	return f.join()
}

func nqueens(o options) (figures, error) {
	n := o.sizeOr(12)
	if n >= len(queensSolutions) {
		return nil, unavailable("nqueens: the size must be 16 at most")
	}
	took, solutions := walked(func() uint64 { return queensNode(queens{all: 1<<n - 1}) })
	return figures{{"ms", milliseconds(took)}}, checkEqual("the number of solutions", solutions, queensSolutions[n])
}

// ---- tree_search

func treeNode(node uint64, children int) uint64 {
	if children == 0 {
		return 1
	}
	var f family
	for i := 0; i < children; i++ {
		child := treeChild(node, i)
		f.fork(func() uint64 { return treeNode(child, treeChildren(child)) })
	}
	return 1 + f.join()
}

func treeSearch(o options) (figures, error) {
	size := o.sizeOr(200_000)
	expected := treeNodes(size)
	took, nodes := walked(func() uint64 { return treeNode(0, treeRootChildren(size)) })
	return figures{{"ns", float64(took.Nanoseconds()) / float64(nodes)}, {"nodes", float64(nodes)}},
		checkEqual("the number of nodes", nodes, expected)
}
