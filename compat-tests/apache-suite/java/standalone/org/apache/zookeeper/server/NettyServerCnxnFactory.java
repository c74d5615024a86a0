package org.apache.zookeeper.server;

import ironkeeper.suite.ProcessCnxnFactory;

/** Stands in for Apache's class of this name, which tests choose by the property zookeeper.serverCnxnFactory. */
public class NettyServerCnxnFactory extends ProcessCnxnFactory {
}
