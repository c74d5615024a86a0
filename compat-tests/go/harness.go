package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// deadline bounds every wait for the server; it is reached only when a check fails.
const deadline = 30 * time.Second

// failure is what a check panics with; anything else that panics is a bug of this program.
type failure string

func failf(format string, args ...any) {
	panic(failure(fmt.Sprintf(format, args...)))
}

// ok fails the check when err is not nil.
func ok(err error, what string) {
	if err != nil {
		failf("%s: %v", what, err)
	}
}

// refused fails the check when err is not the expected one.
func refused(err, expected error, what string) {
	if !errors.Is(err, expected) {
		failf("%s: error %v instead of %v", what, err, expected)
	}
}

// equal fails the check when the two differ.
func equal(actual, expected any, what string) {
	if !reflect.DeepEqual(actual, expected) {
		failf("%s: %v instead of %v", what, actual, expected)
	}
}

// lab is what the checks work with: the servers' addresses and the driver that can stop and start them.
type lab struct {
	addresses []string
	driver    *bufio.Scanner
}

// ask has the driver do one thing with the server ("stop" or "start") and returns when it is done.
func (l *lab) ask(request string) {
	fmt.Printf("@%s\n", request)
	if !l.driver.Scan() || l.driver.Text() != "done" {
		failf("the driver did not %s the server: %q", request, l.driver.Text())
	}
}

// restart stops and starts the server. The clients' gates are shut meanwhile: a client that connects while Apache
// starts may be left without an answer.
func (l *lab) restart(clients ...*client) {
	for _, c := range clients {
		c.gate.set(true)
	}
	l.ask("stop")
	l.ask("start")
	for _, c := range clients {
		c.gate.set(false)
	}
}

// client is one session with its session events.
type client struct {
	*zk.Conn
	states <-chan zk.Event
	gate   *gate
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// dial starts a client without waiting for its session.
func (l *lab) dial(timeout time.Duration) *client {
	gate := &gate{}
	conn, states, err := zk.Connect(l.addresses, timeout, zk.WithDialer(gate.dial), zk.WithLogger(silent{}),
		zk.WithLogInfo(false))
	ok(err, "zk.Connect")
	return &client{conn, kept(states), gate}
}

// kept passes events on through a long channel: that of the library drops what comes while six are in it, and nobody
// takes any while a server restarts.
func kept(events <-chan zk.Event) <-chan zk.Event {
	long := make(chan zk.Event, 10000)
	go func() {
		for event := range events {
			long <- event
		}
	}()
	return long
}

// connect starts a client and waits for its session.
func (l *lab) connect() *client {
	c := l.dial(10 * time.Second)
	c.statesUntil(zk.StateHasSession)
	return c
}

// statesUntil returns the session states up to and with the wanted one.
func (c *client) statesUntil(wanted zk.State) []zk.State {
	var seen []zk.State
	timeout := time.After(deadline)
	for {
		select {
		case event := <-c.states:
			if event.Type != zk.EventSession {
				continue
			}
			seen = append(seen, event.State)
			if event.State == wanted {
				return seen
			}
		case <-timeout:
			failf("no %v, only %v", wanted, seen)
		}
	}
}

// gate is the way to the server; while it is shut, nothing gets through.
type gate struct {
	sync.Mutex
	shut bool
	conn net.Conn
}

func (g *gate) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	g.Lock()
	defer g.Unlock()
	if g.shut {
		return nil, errors.New("the gate is shut")
	}
	conn, err := net.DialTimeout(network, address, timeout)
	g.conn = conn
	return conn, err
}

// set shuts or opens the gate for new connections.
func (g *gate) set(shut bool) {
	g.Lock()
	defer g.Unlock()
	g.shut = shut
}

// cut shuts the gate and breaks the connection that is there.
func (g *gate) cut() {
	g.set(true)
	g.Lock()
	defer g.Unlock()
	g.conn.Close()
}

func (g *gate) open() {
	g.set(false)
}

// event waits for a watch event.
func event(watch <-chan zk.Event, kind zk.EventType, path string) {
	select {
	case got := <-watch:
		if got.Type != kind || got.Path != path {
			failf("event %v %s instead of %v %s", got.Type, got.Path, kind, path)
		}
	case <-time.After(deadline):
		failf("no event %v %s", kind, path)
	}
}

// eventually polls until the condition holds.
func eventually(condition func() bool, what string) {
	for end := time.Now().Add(deadline); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			failf("not within %v: %s", deadline, what)
		}
	}
}

// check is one claim about the server.
type check struct {
	claim string
	run   func(*lab)
}

// passes runs one check and prints its line.
func (c check) passes(l *lab) (passed bool) {
	defer func() {
		if reason := recover(); reason != nil {
			fmt.Printf("FAIL\t%s\t%v\n", c.claim, strings.ReplaceAll(fmt.Sprint(reason), "\n", " "))
		}
	}()
	c.run(l)
	fmt.Printf("ok\t%s\n", c.claim)
	return true
}

func main() {
	if len(os.Args) == 6 && os.Args[1] == "secure" {
		if err := secure(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("go: done")
		return
	}
	all := append(append(append([]check{}, nodeChecks...), sessionChecks...), restartChecks...)
	groups := map[string][]check{"all": all, "restarts": restartChecks, "words": wordChecks}
	if len(os.Args) != 3 || groups[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: goclient all|restarts|words host:port,... or goclient secure host:port ca certificate key")
		os.Exit(2)
	}
	l := &lab{strings.Split(os.Args[2], ","), bufio.NewScanner(os.Stdin)}
	failed := 0
	checks := groups[os.Args[1]]
	for _, check := range checks {
		if !check.passes(l) {
			failed++
		}
	}
	fmt.Printf("%d passed, %d failed\n", len(checks)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
