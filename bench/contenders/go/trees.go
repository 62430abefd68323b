// The trees that fork-join workloads walk.
package main

import "math/bits"

// The trees that the fork-join workloads walk, the same in every program, and what must come out.

func fibValue(n int) uint64 {
	a, b := uint64(0), uint64(1)
	for ; n > 0; n-- {
		a, b = b, a+b
	}
	return a
}
func fibCalls(n int) uint64 { return 2*fibValue(n+1) - 1 }

// skynet: a node has ten children, down to the leaves.
const skynetChildren = 10

func skynetSizeFits(leaves int) bool {
	for leaves > 1 && leaves%skynetChildren == 0 {
		leaves /= skynetChildren
	}
	return leaves == 1
}

// n queens: a row's columns as bits.
type queens struct{ all, columns, left, right uint32 }

func (q queens) free() uint32 { return q.all &^ (q.columns | q.left | q.right) }
func (q queens) done() bool   { return q.columns == q.all }
func (q queens) with(column uint32) queens {
	return queens{q.all, q.columns | column, (q.left | column) << 1, (q.right | column) >> 1}
}

// Calls `do` for each safe placement in the next row.
func (q queens) each(do func(queens)) {
	for free := q.free(); free != 0; free &= free - 1 {
		do(q.with(1 << bits.TrailingZeros32(free)))
	}
}

var queensSolutions = []uint64{1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512}

// tree_search: node 0 has size / 100 children, every other node a geometric number of them with mean 0.99.
func treeRootChildren(size int) int {
	if size < 100 {
		return 1
	}
	return size / 100
}

func treeChild(node uint64, i int) uint64 { return splitmix64(node + 1 + uint64(i)) }

func treeChildren(node uint64) int {
	const limit = 0x7f5b5630e2697cc8
	n := 0
	for draw := splitmix64(node); draw < limit; draw = splitmix64(draw) {
		n++
	}
	return n
}

// All nodes, counted serially.
func treeNodes(size int) uint64 {
	nodes := uint64(1)
	for i := 0; i < treeRootChildren(size); i++ {
		nodes += treeNodesBelow(treeChild(0, i))
	}
	return nodes
}

func treeNodesBelow(node uint64) uint64 { // the node itself counted
	nodes := uint64(1)
	for i, n := 0, treeChildren(node); i < n; i++ {
		nodes += treeNodesBelow(treeChild(node, i))
	}
	return nodes
}
