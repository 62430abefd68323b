// Results, as a line of JSON.
package main

import (
	"strconv"
	"strings"
)

// The result of a measurement: named numbers in the order in which they were added.
type figure struct {
	name  string
	value float64
}
type figures []figure

func (f figures) json() string {
	parts := make([]string, 0, len(f))
	for _, one := range f {
		parts = append(parts, strconv.Quote(one.name)+": "+strconv.FormatFloat(one.value, 'g', 10, 64))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
