// SPDX-License-Identifier: Apache-2.0
using Tmds.DBus.Protocol;
using UsbHostd.Daemon.Dbus;

namespace UsbHostd.Tests.Dbus;

/// <summary>What only tests write.</summary>
internal static class TestBody
{
    /// <summary>An entry of a{sv} of any type.</summary>
    public static void Entry(this ref MessageWriter to, string key, string signature, BodyWriter write)
    {
        to.WriteDictionaryEntryStart();
        to.Text(key);
        to.Variant(signature, write);
    }

    public static void Variant(this ref MessageWriter to, string signature, BodyWriter write)
    {
        to.WriteSignature(signature);
        write(ref to);
    }

    public static void NoBody(ref MessageWriter to)
    {
    }
}
