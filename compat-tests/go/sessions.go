package main

import (
	"time"

	"github.com/go-zookeeper/zk"
)

var sessionChecks = []check{
	{"a new session is connecting, connected, has session", statesOfANewSession},
	{"a client comes back to its session after a short cut", comesBackAfterCut},
	{"an outage longer than the timeout expires the session", outageExpires},
	{"a closed session takes its ephemerals", closeTakesEphemerals},
}

// restartChecks ask nothing of the server that is started but that it serves the data of the one that was stopped.
var restartChecks = []check{
	{"a client comes back to its session after a restart of the server", comesBackAfterRestart},
	{"watches live on through a restart of the server", watchesLiveOn},
	{"an outage longer than the timeout after a restart expires the session", outageAfterRestartExpires},
}

func statesOfANewSession(l *lab) {
	c := l.dial(10 * time.Second)
	defer c.Close()
	equal(c.statesUntil(zk.StateHasSession),
		[]zk.State{zk.StateConnecting, zk.StateConnected, zk.StateHasSession}, "states")
}

func comesBackAfterRestart(l *lab) {
	c := l.connect()
	defer c.Close()
	ok(c.AddAuth("digest", []byte("ann:secret")), "auth")
	create(c, "/own", zk.AuthACL(zk.PermAll))
	_, err := c.Create("/restart-ephemeral", nil, zk.FlagEphemeral, open)
	ok(err, "create")
	before := c.SessionID()
	l.restart(c)
	cameBack(c, before)
	equal(exists(c, "/restart-ephemeral"), true, "the ephemeral is there")
	_, _, err = c.Get("/own")
	ok(err, "get of a node for which the authentication had to be sent again")
}

// cameBack waits until the client is connected again and checks that it is still in the same session.
func cameBack(c *client, session int64) {
	states := c.statesUntil(zk.StateHasSession)
	equal(states[0], zk.StateDisconnected, "first state")
	last := states[len(states)-3:]
	equal(last, []zk.State{zk.StateConnecting, zk.StateConnected, zk.StateHasSession}, "last states")
	equal(c.SessionID(), session, "session")
}

func watchesLiveOn(l *lab) {
	c, other := l.connect(), l.connect()
	defer c.Close()
	defer other.Close()
	create(c, "/watched", open)
	_, _, data, err := c.GetW("/watched")
	ok(err, "get")
	_, _, list, err := c.ChildrenW("/watched")
	ok(err, "children")
	_, _, made, err := c.ExistsW("/watched-new")
	ok(err, "exists")
	l.restart(c, other)
	c.statesUntil(zk.StateHasSession)
	other.statesUntil(zk.StateHasSession)
	_, err = other.Set("/watched", []byte("x"), -1)
	ok(err, "set")
	create(other, "/watched/child", open)
	create(other, "/watched-new", open)
	event(data, zk.EventNodeDataChanged, "/watched")
	event(list, zk.EventNodeChildrenChanged, "/watched")
	event(made, zk.EventNodeCreated, "/watched-new")
}

func comesBackAfterCut(l *lab) {
	c, other := l.connect(), l.connect()
	defer c.Close()
	defer other.Close()
	create(c, "/cut", open)
	_, _, watch, err := c.GetW("/cut")
	ok(err, "get")
	before := c.SessionID()
	c.gate.cut()
	_, err = other.Set("/cut", []byte("missed"), -1)
	ok(err, "set")
	c.gate.open()
	cameBack(c, before)
	event(watch, zk.EventNodeDataChanged, "/cut")
}

func outageExpires(l *lab) {
	c, other := l.dial(time.Second), l.connect()
	defer c.Close()
	defer other.Close()
	c.statesUntil(zk.StateHasSession)
	_, err := c.Create("/outage", nil, zk.FlagEphemeral, open)
	ok(err, "create")
	_, _, watch, err := c.GetW("/outage")
	ok(err, "get")
	before := c.SessionID()
	c.gate.cut()
	eventually(func() bool { return !exists(other, "/outage") }, "the session expires")
	c.gate.open()
	c.statesUntil(zk.StateExpired)
	c.statesUntil(zk.StateHasSession)
	if c.SessionID() == before {
		failf("the expired session lives")
	}
	refused((<-watch).Err, zk.ErrSessionExpired, "the watch of the expired session")
}

func outageAfterRestartExpires(l *lab) {
	c, other := l.dial(time.Second), l.connect()
	defer c.Close()
	defer other.Close()
	c.statesUntil(zk.StateHasSession)
	_, err := c.Create("/outage-restart", nil, zk.FlagEphemeral, open)
	ok(err, "create")
	before := c.SessionID()
	c.gate.cut()
	l.restart(other)
	other.statesUntil(zk.StateHasSession)
	eventually(func() bool { return !exists(other, "/outage-restart") }, "the session expires")
	c.gate.open()
	c.statesUntil(zk.StateExpired)
	c.statesUntil(zk.StateHasSession)
	if c.SessionID() == before {
		failf("the expired session lives")
	}
}

func closeTakesEphemerals(l *lab) {
	c, other := l.connect(), l.connect()
	defer other.Close()
	_, err := c.Create("/closing", nil, zk.FlagEphemeral, open)
	ok(err, "create")
	_, _, watch, err := other.ExistsW("/closing")
	ok(err, "exists")
	c.Close()
	event(watch, zk.EventNodeDeleted, "/closing")
}
