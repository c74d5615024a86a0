package ironkeeper.suite;

import javax.management.JMException;
import org.apache.zookeeper.jmx.MBeanRegistry;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.ZooKeeperServerBean;

/** The bean by which a test finds that a standalone server runs. What it would say beside its name is not bridged. */
final class ServerBean {
    private final ZooKeeperServerBean bean;

    private ServerBean(ZooKeeperServerBean bean) {
        this.bean = bean;
    }

    static ServerBean register(ZooKeeperServer server) {
        ZooKeeperServerBean bean = new ZooKeeperServerBean(server);
        try {
            MBeanRegistry.getInstance().register(bean, null);
        } catch (JMException e) {
            throw new IllegalStateException("a server with the name " + bean.getName() + " is registered already", e);
        }
        return new ServerBean(bean);
    }

    void unregister() {
        MBeanRegistry.getInstance().unregister(bean);
    }
}
