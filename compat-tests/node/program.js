// A program on node-zookeeper-client. usage: program.js host:port; see harness.js and ironlab/driven.py.
'use strict';

const {ACL, CreateMode, Event, Exception, Id, Permission} = require('node-zookeeper-client');
const {Client, connected, equal, main, refused, restart, watcher} = require('./harness');

const EMPTY = Buffer.alloc(0);
const BOUND = 0xfffff; // jute.maxbuffer: a frame may have as many bytes

async function a_client_creates_in_all_modes_that_it_knows(hosts) {
    const c = await connected(hosts);
    await c.call('create', '/modes');
    await c.call('create', '/modes/eph', Buffer.from('e'), CreateMode.EPHEMERAL);
    equal(await c.call('create', '/modes/s-', CreateMode.PERSISTENT_SEQUENTIAL), ['/modes/s-0000000001'], 'sequential');
    equal(await c.call('create', '/modes/s-', CreateMode.EPHEMERAL_SEQUENTIAL), ['/modes/s-0000000002'],
        'ephemeral sequential');
    const [stat] = await c.call('exists', '/modes/eph');
    equal(stat.ephemeralOwner.toString('hex'), c.id, 'owner');
    const [names] = await c.call('getChildren', '/modes');
    equal(names.sort(), ['eph', 's-0000000001', 's-0000000002'], 'children');
    c.close();
}

async function refusals_name_their_reason(hosts) {
    const c = await connected(hosts);
    await c.call('create', '/refusals');
    await c.call('create', '/refusals/eph', CreateMode.EPHEMERAL);
    const creator = [new ACL(Permission.ALL, Id.AUTH_IDS)];
    await refused(c.call('create', '/refusals'), Exception.NODE_EXISTS, 'an existing node');
    await refused(c.call('create', '/no/parent'), Exception.NO_NODE, 'no parent');
    await refused(c.call('create', '/refusals/eph/x'), Exception.NO_CHILDREN_FOR_EPHEMERALS, 'below an ephemeral');
    await refused(c.call('create', '/refusals/acl', creator), Exception.INVALID_ACL, 'a creator without authentication');
    await refused(c.call('getData', '/none'), Exception.NO_NODE, 'getData');
    await refused(c.call('getChildren', '/none'), Exception.NO_NODE, 'getChildren');
    await refused(c.call('setData', '/none', EMPTY), Exception.NO_NODE, 'setData');
    await refused(c.call('remove', '/refusals'), Exception.NOT_EMPTY, 'remove of a parent');
    equal(await c.call('exists', '/none'), [null], 'exists');
    c.close();
}

async function setData_and_remove_respect_versions(hosts) {
    const c = await connected(hosts);
    await c.call('create', '/versions');
    const [stat] = await c.call('setData', '/versions', Buffer.from('one'), 0);
    equal(stat.version, 1, 'version');
    await refused(c.call('setData', '/versions', Buffer.from('two'), 0), Exception.BAD_VERSION, 'an old version');
    await refused(c.call('remove', '/versions', 0), Exception.BAD_VERSION, 'remove of an old version');
    const [data] = await c.call('getData', '/versions');
    equal(data.toString(), 'one', 'data');
    await c.call('setData', '/versions', EMPTY, 1);
    equal((await c.call('getData', '/versions'))[0].length, 0, 'length of no data');
    await c.call('remove', '/versions', 2);
    await refused(c.call('remove', '/versions'), Exception.NO_NODE, 'remove again');
    c.close();
}

async function watches_fire(hosts) {
    const c = await connected(hosts), other = await connected(hosts);
    const [made, wasMade] = watcher(), [changed, wasChanged] = watcher();
    const [list, hasChild] = watcher(), [gone, isGone] = watcher();
    await c.call('exists', '/watched', made);
    await other.call('create', '/watched');
    await wasMade(Event.NODE_CREATED, '/watched');
    await c.call('getData', '/watched', changed);
    await other.call('setData', '/watched', Buffer.from('x'));
    await wasChanged(Event.NODE_DATA_CHANGED, '/watched');
    await c.call('getChildren', '/watched', list);
    await other.call('create', '/watched/child');
    await hasChild(Event.NODE_CHILDREN_CHANGED, '/watched');
    await c.call('exists', '/watched/child', gone);
    await other.call('remove', '/watched/child');
    await isGone(Event.NODE_DELETED, '/watched/child');
    c.close();
    other.close();
}

async function a_transaction_does_all(hosts) {
    const c = await connected(hosts);
    const results = await commit(c.zk.transaction()
        .create('/multi', Buffer.from('m'))
        .create('/multi/s-', CreateMode.PERSISTENT_SEQUENTIAL)
        .setData('/multi', Buffer.from('changed'), 0)
        .check('/multi', 1)
        .remove('/multi/s-0000000000'));
    equal(results[1].path, '/multi/s-0000000000', 'path of the sequential node');
    equal(results[2].stat.version, 1, 'version');
    equal((await c.call('getChildren', '/multi'))[0], [], 'children');
    c.close();
}

async function a_transaction_that_fails_does_nothing(hosts) {
    const c = await connected(hosts);
    await c.call('create', '/half');
    await refused(commit(c.zk.transaction().create('/undone').check('/half', 7).remove('/half')), Exception.BAD_VERSION,
        'commit');
    equal(await c.call('exists', '/undone'), [null], 'what the transaction made');
    c.close();
}

function commit(transaction) {
    return new Promise((resolve, reject) => {
        transaction.commit((error, results) => error ? reject(error) : resolve(results));
    });
}

async function a_digest_ACL_keeps_strangers_out(hosts) {
    const ann = await connected(hosts), stranger = await connected(hosts);
    ann.zk.addAuthInfo('digest', Buffer.from('ann:secret'));
    await ann.call('create', '/acl', [new ACL(Permission.ALL, Id.AUTH_IDS)]);
    const [acls, stat] = await ann.call('getACL', '/acl');
    equal([acls.length, acls[0].permission, acls[0].id.scheme], [1, Permission.ALL, 'digest'], 'ACL');
    equal(stat.aversion, 0, 'ACL version');
    await refused(stranger.call('getData', '/acl'), Exception.NO_AUTH, 'getData');
    await refused(stranger.call('setACL', '/acl', ACL.OPEN_ACL_UNSAFE), Exception.NO_AUTH, 'setACL');
    stranger.zk.addAuthInfo('digest', Buffer.from('ann:secret'));
    await stranger.call('getData', '/acl');
    await refused(ann.call('setACL', '/acl', ACL.READ_ACL_UNSAFE, 3), Exception.BAD_VERSION, 'setACL of an old version');
    equal((await ann.call('setACL', '/acl', ACL.READ_ACL_UNSAFE, 0))[0].aversion, 1, 'ACL version');
    await refused(ann.call('setData', '/acl', EMPTY), Exception.NO_AUTH, 'setData of what all may read');
    ann.close();
    stranger.close();
}

async function answers_come_in_the_order_of_their_requests(hosts) {
    const c = await connected(hosts), seen = [], requests = [];
    await c.call('create', '/pipeline');
    for (let at = 0; at < 200; at++) {
        requests.push(c.call('setData', '/pipeline', Buffer.from(`${at}`), at).then(() => seen.push(2 * at)));
        requests.push(c.call('getData', '/pipeline').then(([data]) => seen.push(2 * Number(data) + 1)));
    }
    await Promise.all(requests);
    equal(seen, [...seen.keys()], 'writes, each with the read behind it');
    c.close();
}

async function a_request_up_to_the_bound_works_and_one_byte_more_ends_the_connection(hosts) {
    const c = await connected(hosts);
    const around = 8 + 4 + '/limit'.length + 4 + 4; // header, path, length of the data, version
    const set = (size) => c.call('setData', '/limit', Buffer.alloc(size));
    await c.call('create', '/limit', Buffer.alloc(2 ** 20 - 2 ** 10));
    await set(BOUND - around);
    equal((await c.call('getData', '/limit'))[0].length, BOUND - around, 'length that is read back');
    for (const size of [BOUND - around + 1, 2 ** 20]) { // the library itself refuses more than 1 MiB of data
        await refused(set(size), Exception.CONNECTION_LOSS, `${size} bytes`);
        await c.state('DISCONNECTED');
        await c.state('SYNC_CONNECTED');
    }
    equal((await c.call('exists', '/limit'))[0].version, 1, 'version, after the requests that were too long');
    c.close();
}

async function a_connect_string_may_name_an_address_twice(hosts) {
    const c = await connected(`${hosts},${hosts}`);
    await c.call('create', '/twice');
    c.close();
}

async function a_session_its_ephemerals_watches_and_authentication_live_through_a_restart(hosts) {
    const c = await connected(hosts), other = await connected(`${hosts},${hosts}`);
    const [data, dataFired] = watcher(), [list, listFired] = watcher(), [made, madeFired] = watcher();
    c.zk.addAuthInfo('digest', Buffer.from('ann:secret'));
    await c.call('create', '/own', [new ACL(Permission.ALL, Id.AUTH_IDS)]);
    await c.call('create', '/live', CreateMode.EPHEMERAL);
    await c.call('getData', '/own', data);
    await c.call('getChildren', '/own', list);
    await c.call('exists', '/later', made);
    const before = c.id;
    await restart();
    for (const client of [c, other]) {
        await client.state('DISCONNECTED');
        await client.state('SYNC_CONNECTED');
    }
    equal(c.id, before, 'session');
    equal((await other.call('exists', '/live'))[0].ephemeralOwner.toString('hex'), before, 'owner of the ephemeral');
    await c.call('setData', '/own', Buffer.from('what needs the authentication to be sent again'));
    await dataFired(Event.NODE_DATA_CHANGED, '/own');
    await c.call('create', '/own/child');
    await listFired(Event.NODE_CHILDREN_CHANGED, '/own');
    await other.call('create', '/later');
    await madeFired(Event.NODE_CREATED, '/later');
    c.close();
    other.close();
}

async function a_closed_session_takes_its_ephemerals_along_and_is_expired(hosts) {
    const c = await connected(hosts), other = await connected(hosts);
    const [gone, isGone] = watcher();
    await c.call('create', '/closing', CreateMode.EPHEMERAL);
    await other.call('exists', '/closing', gone);
    const session = {sessionId: c.zk.getSessionId(), sessionPassword: c.zk.getSessionPassword()};
    c.close();
    await isGone(Event.NODE_DELETED, '/closing');
    await new Client(hosts, session).state('EXPIRED');
    other.close();
}

main(process.argv[2], [
    a_client_creates_in_all_modes_that_it_knows,
    refusals_name_their_reason,
    setData_and_remove_respect_versions,
    watches_fire,
    a_transaction_does_all,
    a_transaction_that_fails_does_nothing,
    a_digest_ACL_keeps_strangers_out,
    answers_come_in_the_order_of_their_requests,
    a_request_up_to_the_bound_works_and_one_byte_more_ends_the_connection,
    a_connect_string_may_name_an_address_twice,
    a_session_its_ephemerals_watches_and_authentication_live_through_a_restart,
    a_closed_session_takes_its_ephemerals_along_and_is_expired,
]);
