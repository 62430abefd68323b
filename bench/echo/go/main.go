// Echo in Go, as one writes it: a goroutine for each connection.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
)

func giveBack(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if _, err = client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func tellPort(port int, path string) error {
	fmt.Println(port)
	if path == "" {
		return nil
	}
	if err := os.WriteFile(path+".part", []byte(fmt.Sprintln(port)), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func main() {
	workers := flag.Int("workers", 1, "threads that run goroutines")
	portFile := flag.String("port-file", "", "where to write the port")
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err == nil {
		err = tellPort(listener.Addr().(*net.TCPAddr).Port, *portFile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() { // ends with its input
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		client, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go giveBack(client)
	}
}
