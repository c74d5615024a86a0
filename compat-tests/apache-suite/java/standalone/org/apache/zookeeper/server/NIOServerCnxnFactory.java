package org.apache.zookeeper.server;

import ironkeeper.suite.ProcessCnxnFactory;

/** Stands in for Apache's class of this name, so that no test can start a server inside its own JVM by default. */
public class NIOServerCnxnFactory extends ProcessCnxnFactory {
}
