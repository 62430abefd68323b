// A product of matrices, a goroutine for each block.
package main

// C = A * B of n x n doubles, by blocks of 64 x 64: each block of C can be computed by itself. All values are small whole
// numbers, so that every sum is exact in whatever order. Go's compiler does not use vector instructions, which is part of
// what is measured here.
const matmulBlock = 64

type matrices struct {
	n       int
	a, b, c []float64
}

func newMatrices(n int) *matrices {
	value := func(i, j int) float64 { return float64((i*3+j*7)%11) - 5 }
	m := &matrices{n, make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)}
	for i := 0; i < n; i++ {
		for j := 0; j < n; j++ {
			m.a[i*n+j] = value(i, j)
			m.b[i*n+j] = value(j, i+1)
		}
	}
	return m
}

func (m *matrices) multiply(blockRow, blockColumn int) {
	n, first := m.n, blockColumn*matmulBlock
	for i := blockRow * matmulBlock; i < (blockRow+1)*matmulBlock; i++ {
		var sums [matmulBlock]float64
		for k := 0; k < n; k++ {
			factor := m.a[i*n+k]
			row := (*[matmulBlock]float64)(m.b[k*n+first:]) // its length is known: no bounds are checked below
			for j := range row {
				sums[j] += factor * row[j]
			}
		}
		copy(m.c[i*n+first:], sums[:])
	}
}

func (m *matrices) check() error {
	for sample := 0; sample < 64; sample++ {
		i, j := sample*7919%m.n, sample*104729%m.n
		sum := 0.0
		for k := 0; k < m.n; k++ {
			sum += m.a[i*m.n+k] * m.b[k*m.n+j]
		}
		if err := checkEqual("an element of the product", m.c[i*m.n+j], sum); err != nil {
			return err
		}
	}
	return nil
}

func matmul(o options) (figures, error) {
	n := o.sizeOr(1024)
	if n%matmulBlock != 0 {
		return nil, unavailable("matmul: the size must be a multiple of 64")
	}
	m := newMatrices(n)
	took, _ := walked(func() uint64 {
		var f family
		for row := 0; row < n/matmulBlock; row++ {
			for column := 0; column < n/matmulBlock; column++ {
				row, column := row, column
				f.fork(func() uint64 { m.multiply(row, column); return 0 })
			}
		}
		return f.join()
	})
	return figures{{"ms", milliseconds(took)}}, m.check()
}
