// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Daemon.Dbus;

/// <summary>
/// Finds out whether peers read what they are sent: messages of one sender arrive in their order, and D-Bus libraries answer
/// org.freedesktop.DBus.Peer.Ping by themselves.
/// </summary>
/// <param name="patience">How long a peer may take.</param>
internal sealed class PeerReading(TimeSpan patience, ILogger logger) : IDisposable
{
    /// <summary>
    /// Peers that are asked at once; the others wait. Polkit's answers are among those that <see cref="PendingCalls"/> counts, too.
    /// </summary>
    private const int MostAsked = 32;

    private readonly SemaphoreSlim turns = new(MostAsked);

    /// <summary>Until the peer has read what it was sent; false, and said in the log, where it does not.</summary>
    public async Task<bool> AwaitAsync(BusConnection connection, string peer, CancellationToken cancellationToken)
    {
        await turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await connection.CallAsync(
                new BusTarget(peer, "/", DbusDoor.PeerInterface), "Ping", "", static (ref _) => { }, _ => 0, cancellationToken, patience).ConfigureAwait(false);
            return true;
        }
        catch (BusException e) when (e.Name is BusException.NoReply or BusException.LimitsExceeded)
        {
            DbusLog.CutOff(logger, peer, patience.TotalSeconds);
            return false;
        }
        catch (BusException)
        {
            // An error of the peer's is an answer too. Where the bus forbids the question, nothing is known, and nobody is cut off for that.
            return true;
        }
        finally
        {
            turns.Release();
        }
    }

    public void Dispose() => turns.Dispose();
}
