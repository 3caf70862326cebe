// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Daemon.Usb;

namespace UsbHostd.Tests.Usb;

/// <summary>Ports that are held, without a kernel to hold them.</summary>
internal sealed class FakeHubPorts : IHubPorts
{
    public HashSet<(string Node, int Port)> Held { get; } = [];

    public bool Refuses { get; set; }

    public void Hold(string node, int port) => _ = Refuses ? throw new IOException("busy") : Held.Add((node, port));

    public void LetGo(string node, int port) => Held.Remove((node, port));

    public void LetGoOfAllBut(IReadOnlySet<string> nodes) => Held.RemoveWhere(h => !nodes.Contains(h.Node));

    public void Dispose() => Held.Clear();
}
