package ironkeeper.suite;

import java.util.Properties;
import java.util.function.BiConsumer;
import org.apache.zookeeper.metrics.MetricsContext;
import org.apache.zookeeper.metrics.MetricsProvider;
import org.apache.zookeeper.metrics.impl.NullMetricsProvider;

/** The metrics of the server's process, from mntr. What is counted in the JVM of the test is dropped. */
final class ProcessMetrics implements MetricsProvider {
    private final Questions questions;

    ProcessMetrics(Questions questions) {
        this.questions = questions;
    }

    @Override
    public void configure(Properties configuration) {
    }

    @Override
    public void start() {
    }

    @Override
    public void stop() {
    }

    @Override
    public MetricsContext getRootContext() {
        return NullMetricsProvider.NullMetricsContext.INSTANCE;
    }

    @Override
    public void dump(BiConsumer<String, Object> sink) {
        questions.mntr().forEach(sink);
    }

    /** srst resets them all, with the counts of packets. */
    @Override
    public void resetAllValues() {
        questions.ask("srst");
    }
}
