package ironkeeper.suite;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import javax.security.sasl.SaslException;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;

/**
 * A member of an ensemble that a test describes by numbers, not by a zoo.cfg. Its zoo.cfg is written anew at each start, so
 * that it starts with the first membership again, as Apache's peers do that have no zoo.cfg.
 */
public final class MemberPeer extends ProcessPeer {
    private static final int TICK_TIME_MS = 2000;
    private static final int INIT_LIMIT = 3;

    private final Path zooCfg;
    private final File dataDir;
    private final long id;
    private final Collection<QuorumServer> members;
    private final int syncLimit;
    private boolean localSessions;
    private boolean localSessionsUpgrading;

    /** Member `id` of the ensemble of all `members`, with its data in `dataDir`; `syncLimit` is in ticks of two seconds. */
    public MemberPeer(long id, Collection<QuorumServer> members, File dataDir, int syncLimit) throws IOException {
        this(ServerProcess.newDirectory("server-" + id).resolve("zoo.cfg"), id, members, dataDir, syncLimit);
        prepare();
    }

    private MemberPeer(Path zooCfg, long id, Collection<QuorumServer> members, File dataDir, int syncLimit)
            throws SaslException {
        super(zooCfg);
        this.zooCfg = zooCfg;
        this.id = id;
        this.members = members;
        this.dataDir = dataDir;
        this.syncLimit = syncLimit;
        setMyid(id);
    }

    @Override
    public synchronized void enableLocalSessions(boolean flag) {
        localSessions = flag;
        restartIfRunning();
    }

    @Override
    public synchronized void enableLocalSessionsUpgrading(boolean flag) {
        localSessionsUpgrading = flag;
        restartIfRunning();
    }

    @Override
    protected void prepare() throws IOException {
        Files.createDirectories(dataDir.toPath());
        Files.writeString(dataDir.toPath().resolve("myid"), id + "\n");
        StringBuilder text = new StringBuilder(JvmSettings.lines())
            .append("tickTime=").append(TICK_TIME_MS)
            .append("\ninitLimit=").append(INIT_LIMIT)
            .append("\nsyncLimit=").append(syncLimit)
            .append("\nconnectToLearnerMasterLimit=").append(INIT_LIMIT)
            .append("\nmaxClientCnxns=0")
            .append("\nlocalSessionsEnabled=").append(localSessions)
            .append("\nlocalSessionsUpgradingEnabled=").append(localSessionsUpgrading)
            .append("\ndataDir=").append(dataDir.getAbsolutePath()).append('\n');
        members.forEach(member -> text.append("server.").append(member.id).append('=').append(member).append('\n'));
        Files.writeString(zooCfg, text);
    }

    /** A process reads its settings at its start. */
    private void restartIfRunning() {
        if (isRunning()) {
            shutdown();
            start();
        }
    }
}
