package main

import (
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

var wordChecks = []check{
	{"FLWRuok says that the server is well", asksRuok},
	{"FLWCons knows every session", asksCons},
	{"FLWSrvr does not know how a server since 3.5 writes its date", asksSrvr},
}

func asksRuok(l *lab) {
	equal(zk.FLWRuok(l.addresses, deadline), []bool{true}, "FLWRuok")
}

// The line of the connection that asks has no session, which the library counts as a fault of the server.
func asksCons(l *lab) {
	c := l.connect()
	defer c.Close()
	answers, all := zk.FLWCons(l.addresses, deadline)
	equal(all, false, "it understands all lines")
	equal(len(answers), 1, "servers")
	for _, told := range answers[0].Clients {
		if told.SessionID == c.SessionID() {
			equal(told.Timeout, int32(10*time.Second/time.Millisecond), "timeout")
			equal(told.Received > 0, true, "it has received something")
			return
		}
	}
	failf("no session %x in %v", c.SessionID(), answers[0].Clients)
}

func asksSrvr(l *lab) {
	answers, all := zk.FLWSrvr(l.addresses, deadline)
	equal(all, false, "it understands the answer")
	equal(fmt.Sprint(answers[0].Error), "unable to parse fields from zookeeper response (no regex matches)", "error")
}
