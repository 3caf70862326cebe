// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Daemon.Dbus;

/// <summary>Counts the calls that are being answered: all of them, and those of each user, whose connections are as many as the bus lets him have.</summary>
internal sealed class CallsUnderWay(DbusOptions options)
{
    private readonly ConcurrentDictionary<uint, int> users = new();
    private int all;

    /// <summary>One more, by somebody; false where there are too many.</summary>
    public bool TryBegin()
    {
        if (Interlocked.Increment(ref all) <= options.MaxCalls)
        {
            return true;
        }

        End();
        return false;
    }

    public void End() => Interlocked.Decrement(ref all);

    /// <summary>One of this user's, until disposed; null where he has too many.</summary>
    public IDisposable? Of(Caller caller)
    {
        var calls = users.AddOrUpdate(caller.Uid, 1, (_, before) => before + 1);
        var one = new One(this, caller.Uid);
        if (caller.Uid == 0 || calls <= options.MaxCallsPerUser)
        {
            return one;
        }

        one.Dispose();
        return null;
    }

    private void End(uint uid)
    {
        var left = users.AddOrUpdate(uid, 0, (_, before) => before - 1);
        if (left == 0)
        {
            // Only while it is still none: another may have begun meanwhile.
            users.TryRemove(KeyValuePair.Create(uid, 0));
        }
    }

    private sealed class One(CallsUnderWay calls, uint uid) : IDisposable
    {
        private int isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isOver, 1) == 0)
            {
                calls.End(uid);
            }
        }
    }
}
