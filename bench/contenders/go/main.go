// The benchmark suite's workloads in Go; bench/README.md says what each does and how this program behaves.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
)

const (
	failed       = 1
	wrongOptions = 2
	notHere      = 77
	timeLimitS   = 120
)

// A workload, and what --variant may say for it besides nothing.
type workload struct {
	measure  func(options) (figures, error)
	variants []string
}

// Go has no `spawn_outside`: without C every thread is the runtime's own.
var workloads = map[string]workload{
	"yield":          {measure: yield},
	"yield_shuffled": {measure: yieldShuffled},
	"spawn_join":     {measure: spawnJoin},
	"spawn_batch":    {measure: spawnBatch},
	"parked":         {measure: parked, variants: []string{"warm"}},
	"ping_event":     {measure: pingEvent},
	"ping_channel":   {measure: pingChannel, variants: []string{"asleep"}},
	"many_channel":   {measure: manyChannel},
	"lock":           {measure: lock},
	"lock_contended": {measure: lockContended},
	"lock_yielding":  {measure: lockYielding},
	"skynet":         {measure: skynet, variants: []string{"channel"}},
	"fib":            {measure: fib},
	"nqueens":        {measure: nqueens},
	"matmul":         {measure: matmul},
	"tree_search":    {measure: treeSearch},
	"sleepers":       {measure: sleepers},
	"timer_cancel":   {measure: timerCancel},
	"post":           {measure: post},
	"wake":           {measure: wake},
	"idle":           {measure: idle},
	"stall":          {measure: stall},
}

func list() {
	var names []string
	for name := range workloads {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name)
	}
}

func run(arguments []string) error {
	o, err := parse(arguments)
	if err != nil {
		return err
	}
	if o.workload == "" {
		list()
		return nil
	}
	w, found := workloads[o.workload]
	if !found {
		return unavailable("no such workload here: " + o.workload)
	}
	if variant, unknown := o.unknownVariant(w.variants); unknown {
		return unavailable("no variant of " + o.workload + " here: " + variant)
	}
	if err := endAfter(timeLimitS); err != nil {
		return err
	}
	runtime.GOMAXPROCS(o.workers)
	result, err := w.measure(o)
	if err == nil && result != nil { // `stall` has its figures printed
		fmt.Println(result.json())
	}
	return err
}

func main() {
	if connections, is := isAsker(os.Args); is {
		os.Exit(exitCode(ask(connections)))
	}
	os.Exit(exitCode(run(os.Args[1:])))
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	var (
		missing unavailable
		usage   invalidOption
	)
	switch {
	case errors.As(err, &missing):
		return notHere
	case errors.As(err, &usage):
		return wrongOptions
	}
	return failed
}
