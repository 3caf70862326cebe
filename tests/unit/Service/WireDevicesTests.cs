// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Devices;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Service;

[TestFixture]
internal sealed class WireDevicesTests
{
    [Test]
    public void Device_WhatRulesSee_IsShown()
    {
        using var world = new World();
        world.Plugged(Some.Stick());
        var device = world.State.Devices.Values.Single(d => !d.IsHub) with
        {
            Hash = "h=",
            ParentHash = "p=",
            ConnectType = "hotplug",
            InterfaceTypes = [new UsbClass(8, 6, 0x50), new UsbClass(8, 6, 0x62)],
        };

        var wire = WireDevices.Device(world.State, device);

        Assert.That(
            (wire.Hash, wire.ParentHash, wire.ConnectType, string.Join(' ', wire.InterfaceTypes)),
            Is.EqualTo(("h=", "p=", "hotplug", "08:06:50 08:06:62")));
    }
}
