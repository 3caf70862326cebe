// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Cli.Interactive;

/// <summary>Reads keys beside other work, on a thread of its own; disposing ends that without taking a key that is meant for whoever reads next.</summary>
internal sealed class TtyKeys : IDisposable
{
    private readonly Tty tty;
    private readonly WakeUp end = new();
    private readonly Thread thread;

    /// <param name="take">Called on that thread; the last key is <see cref="KeyKind.EndOfInput"/>.</param>
    public TtyKeys(Tty tty, Action<Key> take)
    {
        this.tty = tty;
        thread = new Thread(() => Read(take)) { IsBackground = true, Name = "keys" };
    }

    public void Start() => thread.Start();

    public void Dispose()
    {
        end.Set();
        if (thread.IsAlive)
        {
            thread.Join();
        }

        end.Dispose();
    }

    private void Read(Action<Key> take)
    {
        var one = new byte[1];
        var keys = new KeyReader(() => tty.Wait(end) && tty.Read(one) == 1 ? one[0] : -1);
        Key key;
        do
        {
            key = keys.Read();
            take(key);
        }
        while (key.Kind != KeyKind.EndOfInput);
    }
}
