// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Libvirt;

/// <summary>Lets the calls of one connection run side by side, or one at a time once its keepalive is on.</summary>
/// <remarks>
/// With two calls waiting when the keepalive gives up, libvirt 9.0 fails only one: the other waits on for ever, and the process dies of
/// SIGSEGV once the daemon answers after all. A few lines of C show the same. Without keepalive, calls may overlap: a daemon that dies
/// ends them all.
/// </remarks>
internal sealed class CallGate
{
    private readonly Lock _turn = new();
    private volatile bool _oneAtATime;

    /// <summary>From now on, calls wait for each other.</summary>
    internal void AllowOneAtATime() => _oneAtATime = true;

    /// <summary>Waits for the caller's turn.</summary>
    /// <returns>The turn, ended by its disposal.</returns>
    internal Turn Enter() => new(_oneAtATime ? _turn : null);

    internal readonly ref struct Turn
    {
        private readonly Lock? _held;

        internal Turn(Lock? turn)
        {
            _held = turn;
            _held?.Enter();
        }

        public void Dispose() => _held?.Exit();
    }
}
