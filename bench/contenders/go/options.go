// The command line, and why a measurement has no figures.
package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// What the command line asks of one measurement.
type options struct {
	workload     string // empty: list them
	workers      int    // GOMAXPROCS
	size         int    // 0: the workload's default
	milliseconds int
	stack        int    // bytes: Go chooses by itself, whatever is asked for
	variant      string // empty, a name, or names with commas between
}

// Why there are no figures: wrong options, a workload that cannot be run like this here, a wrong result.
type invalidOption string
type unavailable string
type wrongResult string

func (e invalidOption) Error() string { return string(e) }
func (e unavailable) Error() string   { return string(e) }
func (e wrongResult) Error() string   { return string(e) }

func checkEqual[T comparable](what string, got, wanted T) error {
	if got != wanted {
		return wrongResult(fmt.Sprintf("%s is %v, should be %v", what, got, wanted))
	}
	return nil
}

func (o options) sizeOr(preset int) int {
	if o.size != 0 {
		return o.size
	}
	return preset
}

func (o options) variants() []string {
	if o.variant == "" {
		return nil
	}
	return strings.Split(o.variant, ",")
}

func (o options) has(name string) bool { return contains(o.variants(), name) }

func (o options) unknownVariant(known []string) (string, bool) {
	for _, variant := range o.variants() {
		if !contains(known, variant) {
			return variant, true
		}
	}
	return "", false
}

func contains(names []string, wanted string) bool {
	for _, name := range names {
		if name == wanted {
			return true
		}
	}
	return false
}

const usage = "usage: --list | WORKLOAD [--workers N] [--size N] [--milliseconds N] [--stack BYTES] [--variant NAME]"

func parse(arguments []string) (options, error) {
	o := options{workers: 1, milliseconds: 100}
	if len(arguments) == 1 && arguments[0] == "--list" {
		return o, nil
	}
	if len(arguments) == 0 || strings.HasPrefix(arguments[0], "-") {
		return o, invalidOption(usage)
	}
	o.workload = arguments[0]
	for rest := arguments[1:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 {
			return o, invalidOption(rest[0] + " wants a value")
		}
		if err := o.set(rest[0], rest[1]); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *options) set(name, value string) error {
	switch name {
	case "--workers":
		return number(name, value, 1024, &o.workers)
	case "--size":
		return number(name, value, math.MaxInt, &o.size)
	case "--milliseconds":
		return number(name, value, 100_000, &o.milliseconds)
	case "--stack":
		return number(name, value, math.MaxInt, &o.stack)
	case "--variant":
		o.variant = value
		return nil
	}
	return invalidOption("no such option: " + name)
}

func number(option, text string, most int, into *int) error {
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 || value > most {
		return invalidOption(fmt.Sprintf("%s wants a number from 1 to %d", option, most))
	}
	*into = value
	return nil
}
