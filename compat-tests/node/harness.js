// What the checks stand on: sessions, requests as promises, waiting, and the driver on stdin and stdout.
'use strict';

const net = require('net');
const readline = require('readline');
const zookeeper = require('node-zookeeper-client');

const DEADLINE_MS = 30000; // reached only when a check fails
const TIMEOUT_MS = 4000;

// While the gate is shut, new connections are refused: the client waits for ever for an answer to its connect request,
// and one that connects while Apache starts may be left without.
let gateIsShut = false;
const connect = net.connect;
net.connect = (server) => connect(gateIsShut ? {...server, port: 1} : server);

// One session. `states` are the names of its states in the order in which it came to them.
class Client {
    constructor(hosts, options = {}) {
        this.states = [];
        this.waiting = [];
        this.zk = zookeeper.createClient(hosts, {sessionTimeout: TIMEOUT_MS, spinDelay: 100, ...options});
        this.zk.on('state', (state) => this.enter(state.getName()));
        this.zk.connect();
    }

    enter(state) {
        this.states.push(state);
        this.waiting.forEach((look) => look());
    }

    // Takes the states up to the wanted one.
    state(wanted) {
        return within(new Promise((resolve) => {
            const look = () => {
                const at = this.states.indexOf(wanted);
                if (at < 0) return;
                this.states.splice(0, at + 1);
                this.waiting = this.waiting.filter((other) => other !== look);
                resolve();
            };
            this.waiting.push(look);
            look();
        }), `state ${wanted}`);
    }

    // One request by the name of the library's method; its results as an array.
    call(method, ...args) {
        return within(new Promise((resolve, reject) => {
            this.zk[method](...args, (error, ...results) => error ? reject(error) : resolve(results));
        }), `${method} ${args[0]}`);
    }

    get id() {
        return this.zk.getSessionId().toString('hex');
    }

    close() {
        this.zk.close();
    }
}

// A connected session.
async function connected(hosts, options) {
    const client = new Client(hosts, options);
    await client.state('SYNC_CONNECTED');
    return client;
}

function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${DEADLINE_MS} ms: ${what}`)), DEADLINE_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Fails unless the request is refused with this error code.
async function refused(request, code, what) {
    let results;
    try {
        results = await request;
    } catch (error) {
        equal(error.name ?? error.message, zookeeper.Exception.create(code).name, what);
        equal(error.code, code, what);
        return;
    }
    throw new Error(`${what}: ${results} instead of an error ${code}`);
}

function equal(actual, expected, what) {
    const texts = [actual, expected].map((value) => JSON.stringify(value));
    if (texts[0] !== texts[1]) throw new Error(`${what}: ${texts[0]} instead of ${texts[1]}`);
}

// A watcher, and a function that waits for its event and compares it.
function watcher() {
    let watch;
    const event = new Promise((resolve) => {
        watch = (found) => resolve([found.getType(), found.getPath()]);
    });
    const fired = async (type, path) => equal(await within(event, `an event of ${path}`), [type, path], 'event');
    return [watch, fired];
}

const answers = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();

async function ask(request) {
    console.log(`@${request}`);
    const answer = await answers.next();
    equal(answer.value, 'done', `the driver's answer to ${request}`);
}

async function restart() {
    gateIsShut = true;
    await ask('stop');
    await ask('start');
    gateIsShut = false;
}

async function passes(hosts, check) {
    const claim = check.name.replaceAll('_', ' ');
    try {
        await check(hosts);
    } catch (error) {
        console.log(`FAIL\t${claim}\t${String(error.stack).replaceAll('\n', ' ')}`);
        return false;
    }
    console.log(`ok\t${claim}`);
    return true;
}

// Runs functions, each a check whose claim is its name, and ends the process.
async function main(hosts, checks) {
    let failed = 0;
    for (const check of checks) failed += await passes(hosts, check) ? 0 : 1;
    console.log(`${checks.length - failed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}

module.exports = {Client, connected, equal, main, refused, restart, watcher, TIMEOUT_MS};
