// Calibration of workloads that repeat.
package main

import "time"

// What one call of a workload that repeats has measured: it may do more operations than it was asked for.
type timed struct {
	took       time.Duration
	operations int
}

const firstOperations = 1000

// Calls `measure` with four times as many operations until a call lasts long enough: the calls before are the warm-up.
func calibrate(o options, size int, measure func(n int) (timed, error)) (timed, error) {
	n := firstOperations
	if size > n {
		n = size
	}
	for ; ; n *= 4 {
		result, err := measure(n)
		if err != nil || result.took >= time.Duration(o.milliseconds)*time.Millisecond {
			return result, err
		}
	}
}

func (t timed) perOperation() figures {
	return figures{{"ns", float64(t.took.Nanoseconds()) / float64(t.operations)}, {"operations", float64(t.operations)}}
}

func repeat(o options, size int, measure func(n int) (timed, error)) (figures, error) {
	result, err := calibrate(o, size, measure)
	if err != nil {
		return nil, err
	}
	return result.perOperation(), nil
}

// How many batches of `size` make at least n operations.
func batches(n, size int) int { return (n + size - 1) / size }
