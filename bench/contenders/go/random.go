// Chance with a fixed seed.
package main

import "time"

// Chance with a fixed seed, the same in every program and language.
func splitmix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// 0 to n - 1 in a random order.
func randomOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n; i > 1; i-- {
		j := splitmix64(uint64(i)) % uint64(i)
		order[i-1], order[j] = order[j], order[i-1]
	}
	return order
}

// The i-th of the sleeps of `sleepers`: 1 to 2 s.
func sleepTime(i int) time.Duration {
	return time.Second + time.Duration(splitmix64(uint64(i))%1_000_000_000)
}
