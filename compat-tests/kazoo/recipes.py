"""The recipes of kazoo, and what a session keeps over a restart of the server.

usage: recipes.py host:port; it prints `ok` or `FAIL` for each check and `N passed, N failed`, see harness.py.
"""

import sys
import threading

from kazoo import exceptions, security
from kazoo.client import KazooState
from kazoo.recipe.barrier import DoubleBarrier
from kazoo.recipe.cache import TreeCache

from harness import Background, equal, eventually, main, refused


def a_lock_is_held_by_one_at_a_time_and_passes_on_in_order(lab):
    with lab.clients(3) as clients:
        locks = [client.Lock("/lock", f"client-{number}") for number, client in enumerate(clients)]
        order = []
        assert locks[0].acquire()
        waiting = []
        for number in (1, 2):
            waiting.append(Background(_take_and_note, locks[number], number, order))
            eventually(lambda: len(locks[0].contenders()) == number + 1, "the contender stands in line")
        equal(locks[0].contenders(), ["client-0", "client-1", "client-2"], "contenders")
        equal(order, [], "holders beside the first")
        locks[0].release()
        for thread in waiting:
            thread.result()
        equal(order, [1, 2], "order")


def _take_and_note(lock, number, order):
    with lock:
        order.append(number)


def a_lock_that_is_taken_is_refused_without_waiting(lab):
    with lab.clients(2) as (first, second):
        assert first.Lock("/lock-taken").acquire()
        assert not second.Lock("/lock-taken").acquire(blocking=False)


def readers_share_a_lock_and_keep_a_writer_out(lab):
    with lab.clients(3) as (one, two, three):
        readers = [one.ReadLock("/lock-rw"), two.ReadLock("/lock-rw")]
        assert all(reader.acquire(timeout=10) for reader in readers)
        writer = three.WriteLock("/lock-rw")
        assert not writer.acquire(blocking=False)
        for reader in readers:
            reader.release()
        assert writer.acquire(timeout=10)
        writer.release()


def a_semaphore_has_as_many_leases_as_given(lab):
    with lab.clients(3) as clients:
        semaphores = [client.Semaphore("/semaphore", max_leases=2) for client in clients]
        assert semaphores[0].acquire() and semaphores[1].acquire()
        assert not semaphores[2].acquire(blocking=False)
        last = Background(semaphores[2].acquire)
        semaphores[0].release()
        assert last.result()
        equal(len(semaphores[2].lease_holders()), 2, "lease holders")


def an_election_has_one_leader_at_a_time(lab):
    with lab.clients(2) as (one, two):
        leads, go_on, leaders = threading.Event(), threading.Event(), []

        def lead(name):
            leaders.append(name)
            leads.set()
            go_on.wait(30)

        first, second = one.Election("/election", "one"), two.Election("/election", "two")
        running = [Background(first.run, lead, "one")]
        assert leads.wait(30)
        running.append(Background(second.run, lead, "two"))
        eventually(lambda: first.contenders() == ["one", "two"], "both stand for election")
        equal(leaders, ["one"], "leaders")
        go_on.set()
        for thread in running:
            thread.result()
        equal(leaders, ["one", "two"], "leaders in the end")


def a_queue_gives_by_priority_and_then_in_order(lab):
    with lab.clients(2) as (one, two):
        queue = one.Queue("/queue")
        for value, priority in ((b"a", 100), (b"b", 100), (b"urgent", 5), (b"c", 100)):
            queue.put(value, priority)
        other = two.Queue("/queue")
        equal(len(other), 4, "length")
        equal([other.get() for _ in range(5)], [b"urgent", b"a", b"b", b"c", None], "values")


def a_locking_queue_gives_an_entry_to_one_and_keeps_it_until_consumed(lab):
    with lab.clients(2) as (one, two):
        first, second = one.LockingQueue("/locking-queue"), two.LockingQueue("/locking-queue")
        first.put_all([b"a", b"b"])
        equal(first.get(timeout=10), b"a", "first")
        equal(second.get(timeout=10), b"b", "second")
        assert first.consume()
        assert second.release()
        equal(first.get(timeout=10), b"b", "the released entry")
        assert first.consume()
        equal(first.get(timeout=0.1), None, "an empty queue")


def a_counter_loses_no_count(lab):
    with lab.clients(3) as clients:
        threads = [Background(_count, client, 20) for client in clients]
        for thread in threads:
            thread.result()
        equal(clients[0].Counter("/counter").value, 60, "count")


def _count(client, times):
    counter = client.Counter("/counter")
    for _ in range(times):
        counter += 1


def a_party_knows_who_is_in_it(lab):
    with lab.clients(2) as (one, two):
        for make in ("Party", "ShallowParty"):
            path = f"/{make.lower()}"
            ours, theirs = getattr(one, make)(path, "one"), getattr(two, make)(path, "two")
            ours.join()
            theirs.join()
            equal(sorted(ours), ["one", "two"], make)
            theirs.leave()
            equal((list(ours), len(ours)), (["one"], 1), f"{make} after one has left")


def a_party_forgets_a_closed_session(lab):
    with lab.clients() as stays:
        with lab.clients() as goes:
            goes.Party("/party-closed", "goes").join()
            equal(list(stays.Party("/party-closed")), ["goes"], "before")
        equal(list(stays.Party("/party-closed")), [], "after")


def a_barrier_holds_until_it_is_removed(lab):
    with lab.clients(2) as (one, two):
        barrier = one.Barrier("/barrier")
        barrier.create()
        equal(two.Barrier("/barrier").wait(timeout=0.1), False, "wait before the end")
        waiting = Background(two.Barrier("/barrier").wait)
        assert barrier.remove()
        assert waiting.result()


def a_double_barrier_lets_all_in_and_out_together(lab):
    with lab.clients(3) as clients:
        barriers = [DoubleBarrier(client, "/double-barrier", 3, f"b{n}") for n, client in enumerate(clients)]
        for step in ("enter", "leave"):
            for thread in [Background(getattr(barrier, step)) for barrier in barriers]:
                thread.result()
        equal(clients[0].get_children("/double-barrier"), [], "those that are left")


def a_data_watch_sees_each_state_of_a_node(lab):
    with lab.clients(2) as (one, two):
        seen = []
        one.DataWatch("/data-watch", lambda data, stat: seen.append(data))
        for change in (lambda: two.create("/data-watch", b"new"), lambda: two.set("/data-watch", b"changed"),
                       lambda: two.delete("/data-watch")):
            count = len(seen)
            change()
            eventually(lambda: len(seen) > count, "the watch is called")
        equal(seen, [None, b"new", b"changed", None], "data")


def a_children_watch_sees_children_come_and_go(lab):
    with lab.clients(2) as (one, two):
        two.create("/children-watch")
        seen = []
        one.ChildrenWatch("/children-watch", lambda children: seen.append(sorted(children)))
        for change in (lambda: two.create("/children-watch/a"), lambda: two.create("/children-watch/b"),
                       lambda: two.delete("/children-watch/a")):
            count = len(seen)
            change()
            eventually(lambda: len(seen) > count, "the watch is called")
        equal(seen, [[], ["a"], ["a", "b"], ["b"]], "children")


def a_tree_cache_follows_a_subtree(lab):
    with lab.clients(2) as (one, two):
        two.create("/tree/a/b", b"deep", makepath=True)
        cache = TreeCache(one, "/tree")
        cache.start()
        eventually(lambda: _cached(cache, "/tree/a/b") == b"deep", "the cache is filled")
        two.set("/tree/a/b", b"changed")
        eventually(lambda: _cached(cache, "/tree/a/b") == b"changed", "the cache sees a change")
        two.delete("/tree/a", recursive=True)
        eventually(lambda: _cached(cache, "/tree/a") is None, "the cache sees a deletion")
        cache.close()


def _cached(cache, path):
    entry = cache.get_data(path)
    return entry and entry.data


def a_transaction_does_all_or_nothing(lab):
    with lab.clients() as client:
        with client.transaction() as all_done:
            all_done.create("/transaction", b"t")
            all_done.create("/transaction/seq-", sequence=True)
            all_done.set_data("/transaction", b"changed", 0)
            all_done.check("/transaction", 1)
            all_done.delete("/transaction/seq-0000000000")
        equal(client.get("/transaction")[0], b"changed", "data")
        nothing = client.transaction()
        nothing.create("/transaction/undone")
        nothing.check("/transaction", 77)
        nothing.delete("/transaction")
        results = [type(result) for result in nothing.commit()]
        equal(results, [exceptions.RolledBackError, exceptions.BadVersionError, exceptions.RuntimeInconsistency],
              "results")
        equal(client.exists("/transaction/undone"), None, "the undone node")


def creates_and_deletes_name_their_errors(lab):
    with lab.clients() as client:
        equal(client.create("/n/a/b", makepath=True), "/n/a/b", "path")
        equal(client.create("/n/s-", sequence=True), "/n/s-0000000001", "sequential path")
        path, stat = client.create("/n/with-stat", b"12", include_data=True)
        equal((path, stat.data_length), ("/n/with-stat", 2), "create with stat")
        client.create("/n/eph", ephemeral=True)
        refused(exceptions.NodeExistsError, client.create, "/n")
        refused(exceptions.NoNodeError, client.create, "/none/child")
        refused(exceptions.NoChildrenForEphemeralsError, client.create, "/n/eph/child")
        refused(exceptions.NotEmptyError, client.delete, "/n")
        refused(exceptions.BadVersionError, client.set, "/n", b"", version=9)
        refused(exceptions.BadVersionError, client.delete, "/n/eph", version=9)
        client.delete("/n", recursive=True)
        equal(client.exists("/n"), None, "exists")
        equal(client.sync("/"), "/", "sync")


def acls_keep_strangers_out(lab):
    with lab.clients(auth_data=[("digest", "ann:secret")]) as ann, lab.clients() as stranger:
        acl = security.make_digest_acl("ann", "secret", all=True)
        ann.create("/acl", b"private", acl=[acl])
        ann.create("/acl-creator", acl=security.CREATOR_ALL_ACL)
        equal(ann.get_acls("/acl-creator")[0], [acl], "the creator's ACL")
        refused(exceptions.NoAuthError, stranger.get, "/acl")
        refused(exceptions.NoAuthError, stranger.set_acls, "/acl", security.OPEN_ACL_UNSAFE)
        refused(exceptions.InvalidACLError, stranger.create, "/acl-none", acl=security.CREATOR_ALL_ACL)
        stranger.add_auth("digest", "ann:secret")
        equal(stranger.get("/acl")[0], b"private", "data")
        ann.set_acls("/acl", security.READ_ACL_UNSAFE)
        refused(exceptions.NoAuthError, ann.set, "/acl", b"x")


def a_request_up_to_the_bound_works_and_one_byte_more_ends_the_connection(lab):
    bound, around = 0xfffff, 8 + 4 + len("/limit") + 4 + 4  # header, path, length of the data, version
    with lab.clients() as client:
        states = []
        client.add_listener(states.append)
        client.create("/limit", bytes((1 << 20) - (1 << 10)))
        client.set("/limit", bytes(bound - around))
        equal(len(client.get("/limit")[0]), bound - around, "length that is read back")
        for size in (bound - around + 1, (1 << 20) + 1):
            states.clear()
            refused(exceptions.ConnectionLoss, client.set, "/limit", bytes(size))
            eventually(lambda: states == [KazooState.SUSPENDED, KazooState.CONNECTED], "the client is connected again")
        equal(client.exists("/limit").version, 1, "version, after the requests that were too long")


def the_hosts_may_name_a_server_twice(lab):
    with lab.clients(hosts=f"{lab.address},{lab.address}") as client:
        states, before = [], client.client_id
        client.add_listener(states.append)
        client.create("/twice", ephemeral=True)
        lab.restart()
        eventually(lambda: states == [KazooState.SUSPENDED, KazooState.CONNECTED], "the client is connected again")
        equal(client.client_id, before, "session")
        equal(client.exists("/twice").owner_session_id, before[0], "owner")


def a_closed_client_leaves_no_ephemerals(lab):
    with lab.clients() as stays:
        with lab.clients() as goes:
            goes.create("/gone", ephemeral=True)
            deleted = threading.Event()
            stays.exists("/gone", watch=lambda event: deleted.set())
        assert deleted.wait(30)
        equal(stays.exists("/gone"), None, "exists")


def a_session_lives_through_a_restart_of_the_server(lab):
    with lab.clients(auth_data=[("digest", "ann:secret")]) as client:
        states = []
        client.add_listener(states.append)
        client.create("/restart", b"before", ephemeral=True)
        client.create("/restart-own", acl=security.CREATOR_ALL_ACL)
        before = client.client_id
        lab.restart()
        eventually(lambda: states[-1:] == [KazooState.CONNECTED], "the client is connected again")
        equal(states, [KazooState.SUSPENDED, KazooState.CONNECTED], "states")
        equal(client.client_id, before, "session")
        equal(client.exists("/restart").owner_session_id, before[0], "owner")
        client.get("/restart-own")


def watches_go_on_after_a_restart_of_the_server(lab):
    with lab.clients(2) as (one, two):
        two.create("/restart-watch")
        data, children = [], []
        one.DataWatch("/restart-watch", lambda value, stat: data.append(value))
        one.ChildrenWatch("/restart-watch", lambda names: children.append(names))
        lab.restart()
        two.set("/restart-watch", b"after")
        two.create("/restart-watch/child")
        eventually(lambda: data[-1] == b"after", "the data watch is called")
        eventually(lambda: children[-1] == ["child"], "the children watch is called")


def a_lock_is_still_held_after_a_restart_of_the_server(lab):
    with lab.clients(2) as (one, two):
        assert one.Lock("/restart-lock", "one").acquire()
        lab.restart()
        lock = two.Lock("/restart-lock", "two")
        eventually(lambda: one.connected and two.connected, "the clients are connected again")
        equal(lock.contenders(), ["one"], "contenders")
        assert not lock.acquire(blocking=False)


CHECKS = [
    a_lock_is_held_by_one_at_a_time_and_passes_on_in_order,
    a_lock_that_is_taken_is_refused_without_waiting,
    readers_share_a_lock_and_keep_a_writer_out,
    a_semaphore_has_as_many_leases_as_given,
    an_election_has_one_leader_at_a_time,
    a_queue_gives_by_priority_and_then_in_order,
    a_locking_queue_gives_an_entry_to_one_and_keeps_it_until_consumed,
    a_counter_loses_no_count,
    a_party_knows_who_is_in_it,
    a_party_forgets_a_closed_session,
    a_barrier_holds_until_it_is_removed,
    a_double_barrier_lets_all_in_and_out_together,
    a_data_watch_sees_each_state_of_a_node,
    a_children_watch_sees_children_come_and_go,
    a_tree_cache_follows_a_subtree,
    a_transaction_does_all_or_nothing,
    creates_and_deletes_name_their_errors,
    acls_keep_strangers_out,
    a_request_up_to_the_bound_works_and_one_byte_more_ends_the_connection,
    the_hosts_may_name_a_server_twice,
    a_closed_client_leaves_no_ephemerals,
    a_session_lives_through_a_restart_of_the_server,
    watches_go_on_after_a_restart_of_the_server,
    a_lock_is_still_held_after_a_restart_of_the_server,
]

if __name__ == "__main__":
    sys.exit(main(CHECKS))
