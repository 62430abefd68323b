// The serving side of `stall`.
package main

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	stallMessageBytes  = 64
	stallInterval      = 5 * time.Millisecond
	stallDuration      = 3 * time.Second
	stallComputes      = time.Millisecond
	stallComputesEvery = 100 * time.Millisecond
)

// The asking side is a process of its own, this program once more, which also prints the figures: Go has no thread that
// is not one of GOMAXPROCS when it runs, and with one worker it would stall what it measures.
const askerArgument = "ask-for-stall"

func isAsker(arguments []string) (connections int, is bool) {
	if len(arguments) != 3 || arguments[1] != askerArgument {
		return 0, false
	}
	connections, err := strconv.Atoi(arguments[2])
	return connections, err == nil
}

func stall(o options) (figures, error) {
	size := o.sizeOr(64)
	asker := exec.Command("/proc/self/exe", askerArgument, strconv.Itoa(size))
	asker.Stdout, asker.Stderr = os.Stdout, os.Stderr
	ended := make(chan error)
	for i := 0; i < size; i++ {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		asker.ExtraFiles = append(asker.ExtraFiles, os.NewFile(uintptr(pair[0]), "asker"))
		file := os.NewFile(uintptr(pair[1]), "server")
		server, err := net.FileConn(file) // of a duplicate
		file.Close()
		if err != nil {
			return nil, err
		}
		go func() { ended <- giveBack(server) }()
	}
	if err := asker.Start(); err != nil {
		return nil, err
	}
	for _, end := range asker.ExtraFiles {
		end.Close()
	}
	go computeNowAndThen()
	for i := 0; i < size; i++ { // they end when the asker has closed its ends
		if err := <-ended; err != nil {
			return nil, err
		}
	}
	return nil, asker.Wait()
}

func giveBack(client net.Conn) error {
	defer client.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := client.Read(buffer)
		if n == 0 {
			return nil
		}
		if err == nil {
			_, err = client.Write(buffer[:n])
		}
		if err != nil {
			return err
		}
	}
}

func computeNowAndThen() {
	for range time.Tick(stallComputesEvery) {
		for begin := time.Now(); time.Since(begin) < stallComputes; {
		}
	}
}
