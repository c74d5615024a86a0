package main

import (
	"errors"
	"fmt"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/go-zookeeper/zk"
)

var open = zk.WorldACL(zk.PermAll)

var nodeChecks = []check{
	{"a client creates nodes in all modes", createsAllModes},
	{"refused creates name their reason", refusesCreates},
	{"set and delete respect versions", respectsVersions},
	{"a TTL node is reaped", reapsTTL},
	{"an exists watch fires at creation", watchesCreation},
	{"a data watch fires at a change and at a deletion", watchesData},
	{"a child watch fires when children come and go", watchesChildren},
	{"a multi does all", multiDoesAll},
	{"a multi that fails does nothing", multiDoesNothing},
	{"a digest ACL keeps strangers out", digestACL},
	{"a lock is held by one at a time", lockPassesOn},
	{"a lock of a closed session is free", lockOfClosedSession},
	{"many requests at once are all answered", manyAtOnce},
	{"a request up to the bound works, one byte more ends the connection", respectsBound},
	{"the addresses may name a server twice", namesServerTwice},
}

func createsAllModes(l *lab) {
	c := l.connect()
	defer c.Close()
	create(c, "/modes", open)
	for name, flag := range map[string]int32{"plain": zk.FlagPersistent, "ephemeral": zk.FlagEphemeral} {
		path, err := c.Create("/modes/"+name, []byte(name), flag, open)
		ok(err, name)
		equal(path, "/modes/"+name, "path")
	}
	path, err := c.Create("/modes/seq-", nil, zk.FlagSequence, open)
	ok(err, "sequential")
	equal(path, "/modes/seq-0000000002", "path")
	path, err = c.Create("/modes/seq-", nil, zk.FlagEphemeralSequential, open)
	ok(err, "ephemeral sequential")
	equal(path, "/modes/seq-0000000003", "path")
	_, err = c.CreateContainer("/modes/container", nil, zk.FlagContainer, open)
	ok(err, "container")
	_, stat, err := c.Exists("/modes/ephemeral")
	ok(err, "exists")
	equal(stat.EphemeralOwner, c.SessionID(), "owner")
	equal(children(c, "/modes"), []string{"container", "ephemeral", "plain", "seq-0000000002", "seq-0000000003"},
		"children")
}

func refusesCreates(l *lab) {
	c := l.connect()
	defer c.Close()
	create(c, "/refusals", open)
	_, err := c.Create("/refusals/ephemeral", nil, zk.FlagEphemeral, open)
	ok(err, "ephemeral")
	_, err = c.Create("/refusals", nil, 0, open)
	refused(err, zk.ErrNodeExists, "an existing node")
	_, err = c.Create("/refusals/no/parent", nil, 0, open)
	refused(err, zk.ErrNoNode, "no parent")
	_, err = c.Create("/refusals/ephemeral/child", nil, 0, open)
	refused(err, zk.ErrNoChildrenForEphemerals, "below an ephemeral")
	_, err = c.Create("/refusals/acl", nil, 0, nil)
	refused(err, zk.ErrInvalidACL, "no ACL")
	_, err = c.IncrementalReconfig(nil, []string{"1"}, -1)
	refused(err, zk.ErrReconfigDisabled, "reconfig")
}

func respectsVersions(l *lab) {
	c := l.connect()
	defer c.Close()
	create(c, "/versions", open)
	create(c, "/versions/child", open)
	stat, err := c.Set("/versions", []byte("one"), 0)
	ok(err, "set")
	equal(stat.Version, int32(1), "version")
	_, err = c.Set("/versions", []byte("two"), 0)
	refused(err, zk.ErrBadVersion, "an old version")
	data, stat, err := c.Get("/versions")
	ok(err, "get")
	equal(string(data), "one", "data")
	equal(stat.NumChildren, int32(1), "children")
	refused(c.Delete("/versions", 1), zk.ErrNotEmpty, "with a child")
	refused(c.Delete("/versions/child", 5), zk.ErrBadVersion, "another version")
	ok(c.Delete("/versions/child", 0), "delete child")
	ok(c.Delete("/versions", -1), "delete")
	refused(c.Delete("/versions", -1), zk.ErrNoNode, "gone")
	_, err = c.Sync("/")
	ok(err, "sync")
}

func reapsTTL(l *lab) {
	c := l.connect()
	defer c.Close()
	_, err := c.CreateTTL("/ttl", nil, zk.FlagTTL, open, 50*time.Millisecond)
	ok(err, "create")
	eventually(func() bool { return !exists(c, "/ttl") }, "/ttl is reaped")
}

func watchesCreation(l *lab) {
	c, other := l.connect(), l.connect()
	defer c.Close()
	defer other.Close()
	there, _, watch, err := c.ExistsW("/created")
	ok(err, "exists")
	equal(there, false, "exists")
	create(other, "/created", open)
	event(watch, zk.EventNodeCreated, "/created")
}

func watchesData(l *lab) {
	c, other := l.connect(), l.connect()
	defer c.Close()
	defer other.Close()
	create(other, "/data", open)
	_, _, watch, err := c.GetW("/data")
	ok(err, "get")
	_, err = other.Set("/data", []byte("changed"), -1)
	ok(err, "set")
	event(watch, zk.EventNodeDataChanged, "/data")
	data, _, watch, err := c.GetW("/data")
	ok(err, "get")
	equal(string(data), "changed", "data after the event")
	ok(other.Delete("/data", -1), "delete")
	event(watch, zk.EventNodeDeleted, "/data")
}

func watchesChildren(l *lab) {
	c, other := l.connect(), l.connect()
	defer c.Close()
	defer other.Close()
	create(other, "/family", open)
	for _, change := range []func(){
		func() { create(other, "/family/child", open) },
		func() { ok(other.Delete("/family/child", -1), "delete child") },
	} {
		_, _, watch, err := c.ChildrenW("/family")
		ok(err, "children")
		change()
		event(watch, zk.EventNodeChildrenChanged, "/family")
	}
	_, _, watch, err := c.ChildrenW("/family")
	ok(err, "children")
	ok(other.Delete("/family", -1), "delete")
	event(watch, zk.EventNodeDeleted, "/family")
}

func multiDoesAll(l *lab) {
	c := l.connect()
	defer c.Close()
	results, err := c.Multi(
		&zk.CreateRequest{Path: "/multi", Data: []byte("m"), Acl: open},
		&zk.CreateRequest{Path: "/multi/seq-", Acl: open, Flags: zk.FlagSequence},
		&zk.SetDataRequest{Path: "/multi", Data: []byte("changed"), Version: 0},
		&zk.CheckVersionRequest{Path: "/multi", Version: 1},
		&zk.DeleteRequest{Path: "/multi/seq-0000000000", Version: -1})
	ok(err, "multi")
	equal(len(results), 5, "results")
	equal(results[1].String, "/multi/seq-0000000000", "path of the sequential node")
	equal(results[2].Stat.Version, int32(1), "version")
	equal(children(c, "/multi"), []string{}, "children")
}

func multiDoesNothing(l *lab) {
	c := l.connect()
	defer c.Close()
	results, _ := c.Multi(
		&zk.CreateRequest{Path: "/undone", Acl: open},
		&zk.DeleteRequest{Path: "/nothing-here", Version: -1},
		&zk.CreateRequest{Path: "/undone-too", Acl: open})
	equal(len(results), 3, "results")
	equal(results[0].Error, nil, "result before the failing one")
	refused(results[1].Error, zk.ErrNoNode, "failing result")
	if results[2].Error == nil {
		failf("the result after the failing one has no error")
	}
	equal(exists(c, "/undone") || exists(c, "/undone-too"), false, "something was done")
}

func digestACL(l *lab) {
	c, stranger := l.connect(), l.connect()
	defer c.Close()
	defer stranger.Close()
	ok(c.AddAuth("digest", []byte("ann:secret")), "auth")
	acl := zk.DigestACL(zk.PermAll, "ann", "secret")
	create(c, "/private", acl)
	create(c, "/private-too", zk.AuthACL(zk.PermAll))
	for _, path := range []string{"/private", "/private-too"} {
		_, _, err := stranger.Get(path)
		refused(err, zk.ErrNoAuth, "get by a stranger")
		_, err = stranger.Set(path, nil, -1)
		refused(err, zk.ErrNoAuth, "set by a stranger")
		found, _, err := c.GetACL(path)
		ok(err, "getACL")
		equal(found, acl, "ACL")
	}
	_, err := stranger.Create("/unauthenticated", nil, 0, zk.AuthACL(zk.PermAll))
	refused(err, zk.ErrInvalidACL, "an auth ACL of a stranger")
	_, err = c.SetACL("/private", zk.WorldACL(zk.PermRead), 0)
	ok(err, "setACL")
	_, _, err = stranger.Get("/private")
	ok(err, "get by a stranger after setACL")
}

func lockPassesOn(l *lab) {
	const contenders = 4
	holders, taken := 0, 0
	var mutex sync.Mutex
	errs := make(chan error, contenders)
	for range make([]struct{}, contenders) {
		c := l.connect()
		defer c.Close()
		go func() { errs <- lockAndCount(c, &mutex, &holders, &taken) }()
	}
	for range make([]struct{}, contenders) {
		ok(<-errs, "a contender")
	}
	equal(taken, contenders, "times the lock was taken")
}

// lockAndCount takes the lock and sees to it that nobody else has it.
func lockAndCount(c *client, mutex *sync.Mutex, holders, taken *int) error {
	lock := zk.NewLock(c.Conn, "/lock", open)
	if err := lock.Lock(); err != nil {
		return err
	}
	mutex.Lock()
	*holders++
	*taken++
	alone := *holders == 1
	mutex.Unlock()
	if !alone {
		return fmt.Errorf("two hold the lock")
	}
	if _, err := c.Sync("/lock"); err != nil {
		return err
	}
	mutex.Lock()
	*holders--
	mutex.Unlock()
	return lock.Unlock()
}

func lockOfClosedSession(l *lab) {
	holder, waiter := l.connect(), l.connect()
	defer waiter.Close()
	ok(zk.NewLock(holder.Conn, "/lock-closed", open).Lock(), "lock")
	got := make(chan error, 1)
	go func() { got <- zk.NewLock(waiter.Conn, "/lock-closed", open).Lock() }()
	eventually(func() bool { return len(children(waiter, "/lock-closed")) == 2 }, "the waiter stands in line")
	holder.Close()
	select {
	case err := <-got:
		ok(err, "lock after the holder's close")
	case <-time.After(deadline):
		failf("the lock stayed taken")
	}
}

func manyAtOnce(l *lab) {
	const workers, rounds = 20, 25
	c := l.connect()
	defer c.Close()
	create(c, "/many", open)
	errs := make(chan error, workers)
	for worker := 0; worker < workers; worker++ {
		go func(path string) { errs <- writeAndRead(c, path, rounds) }(fmt.Sprintf("/many/%d", worker))
	}
	for worker := 0; worker < workers; worker++ {
		ok(<-errs, "a worker")
	}
	equal(len(children(c, "/many")), workers, "children")
}

// writeAndRead sets a node again and again; each read must show the write before it.
func writeAndRead(c *client, path string, rounds int) error {
	if _, err := c.Create(path, nil, 0, open); err != nil {
		return err
	}
	for round := 0; round < rounds; round++ {
		text := fmt.Sprint(round)
		if _, err := c.Set(path, []byte(text), int32(round)); err != nil {
			return err
		}
		if data, _, err := c.Get(path); err != nil || string(data) != text {
			return fmt.Errorf("%s is %q, not %q: %w", path, data, text, err)
		}
	}
	return nil
}

// respectsBound sets a node to what makes a frame of jute.maxbuffer bytes, and then to more.
func respectsBound(l *lab) {
	const bound, around = 0xfffff, 8 + 4 + len("/limit") + 4 + 4 // header, path, length of the data, version
	c := l.connect()
	defer c.Close()
	create(c, "/limit", open)
	for _, size := range []int{1<<20 - 1<<10, bound - around} {
		_, err := c.Set("/limit", make([]byte, size), -1)
		ok(err, fmt.Sprint(size, " bytes"))
	}
	data, _, err := c.Get("/limit")
	ok(err, "get")
	equal(len(data), bound-around, "length that is read back")
	for _, size := range []int{bound - around + 1, 1<<20 + 1} {
		_, err := c.Set("/limit", make([]byte, size), -1)
		connectionEnded(err, fmt.Sprint(size, " bytes"))
		c.statesUntil(zk.StateHasSession)
	}
	_, stat, err := c.Exists("/limit")
	ok(err, "exists")
	equal(stat.Version, int32(2), "version, after the requests that were too long")
}

// connectionEnded is the end as the client meets it: while it waits for the answer, or while it still writes.
func connectionEnded(err error, what string) {
	for _, end := range []error{zk.ErrConnectionClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, end) {
			return
		}
	}
	failf("%s: error %v instead of the connection's end", what, err)
}

// namesServerTwice stays on each of the two for a connection: the client goes to the next one after a cut.
func namesServerTwice(l *lab) {
	twice := &lab{append(append([]string{}, l.addresses...), l.addresses...), l.driver}
	c := twice.connect()
	defer c.Close()
	before := c.SessionID()
	create(c, "/twice", open)
	c.gate.cut()
	c.gate.open()
	cameBack(c, before)
	equal(exists(c, "/twice"), true, "the node is there")
}

func create(c *client, path string, acl []zk.ACL) {
	_, err := c.Create(path, nil, 0, acl)
	ok(err, "create "+path)
}

func exists(c *client, path string) bool {
	there, _, err := c.Exists(path)
	ok(err, "exists "+path)
	return there
}

func children(c *client, path string) []string {
	names, _, err := c.Children(path)
	ok(err, "children of "+path)
	sort.Strings(names)
	return names
}
