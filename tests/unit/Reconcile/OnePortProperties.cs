// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using NUnit.Framework.Internal;
using UsbHostd.Api.V1;
using UsbHostd.Core.Claims;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Service;
using UsbHostd.Policy.Identity;
using UsbHostd.Policy.Rules;
using UsbHostd.Policy.Rules.Matching;
using UsbHostd.Tests.Reconcile.Sim;

namespace UsbHostd.Tests.Reconcile;

/// <summary>
/// Any devices, with serials and without, follow each other in a few ports. People claim, release, retry and label them, and load other rules; the
/// daemon dies and starts. What is in which guest, and what a label and an id name, is what the plain model says.
/// </summary>
[TestFixture]
internal sealed class OnePortProperties
{
    private const int Sequences = 300;

    [Test]
    public void Ports_AnySequence_GuestsAndLabelsAreWhatThePlainModelSays()
    {
        for (var seed = 0; seed < Sequences; seed++)
        {
            var random = new Random(seed);
            var steps = Enumerable.Range(0, random.Next(5, 40)).Select(_ => random.Next(1 << 16)).ToArray();
            if (Wrong(seed, steps) is not null)
            {
                Assert.Fail($"seed {seed}: {Wrong(seed, Shortest(seed, steps))}");
            }
        }
    }

    /// <summary>Leaves out runs of steps, shorter and shorter, as long as it fails without them.</summary>
    private static int[] Shortest(int seed, int[] steps)
    {
        for (var length = steps.Length / 2; length > 0; length /= 2)
        {
            for (var at = 0; at + length <= steps.Length;)
            {
                int[] fewer = [.. steps[..at], .. steps[(at + length)..]];
                (steps, at) = Wrong(seed, fewer) is null ? (steps, at + length) : (fewer, at);
            }
        }

        return steps;
    }

    /// <summary>Null where all is as the model says. A fault that the simulation finds is one of this run alone.</summary>
    private static string? Wrong(int seed, int[] steps)
    {
        using var own = new TestExecutionContext.IsolatedContext();
        using var story = new Story(seed);
        try
        {
            story.Live(steps);
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return $"{(e is AssertionException ? e.Message : e)}\n{story}";
        }
    }

    /// <summary>A host on which numbered things happen, and beside it the model. Any number means something, and what makes no sense then is left out.</summary>
    private sealed class Story : IDisposable
    {
        // 2-5 is the other half of 1-5: at most one of them is used at a time.
        private static readonly string[] Ports = ["1-5", "1-6", "2-5"];
        private static readonly string[] Labels = ["zigbee", "ups", ""];

        private static readonly PortRule[] Rules =
        [
            new(RuleTarget.Assign, "a", [], Port: "1-5"),
            new(RuleTarget.Assign, "b", [], Port: "1-6"),
            new(RuleTarget.Assign, "b", [], Port: "1-5"),
            new(RuleTarget.Assign, "b", ["1a86:7523", "0529:0001"]),
            new(RuleTarget.Assign, "a", ["1a6e:089a", "18d1:9302"]),
            new(RuleTarget.Assign, "a", [], Path: "5"),
            new(RuleTarget.Assign, "a", ["0951:1666"], Serial: "S-1"),
            new(RuleTarget.Block, null, ["0529:0001"]),
        ];

        private readonly World world = new(limits: new() { FlapPlugs = int.MaxValue });
        private readonly OnePortModel model = new();
        private readonly Dictionary<PlainIdentity, string> ids = [];
        private readonly List<string> told = [];
        private readonly FakeGuest[] guests;
        private readonly FakeDevice[] devices;
        private bool isUp = true;
        private IReadOnlyList<PortRule>? waiting;

        /// <summary>A few devices only, so that they meet again and again.</summary>
        public Story(int seed)
        {
            FakeDevice[] all =
            [
                Device(0x0529, 0x0001), Device(0x0529, 0x0001, "H-1"), Device(0x1a86, 0x7523), Device(0x1a86, 0x7523), Device(0x1bcf, 0x0005, "0000"),
                Device(0x0951, 0x1666, "S-1"), Device(0x0951, 0x1666, "S-2"), Device(0x1a6e, 0x089a, "P-1"), Device(0x18d1, 0x9302, "P-1"),
            ];
            devices = [.. Enumerable.Range(0, 2 + (seed % 4)).Select(i => all[(seed / 4 + i) % all.Length])];
            guests = [world.Guest("a"), world.Guest("b")];
            Load([Rules[0], new PortRule(RuleTarget.Allow, null, [])]);
        }

        public void Live(int[] steps)
        {
            foreach (var step in steps)
            {
                Step(step % 20, step / 20);
                Rest();
            }

            Start();
            Rest();
        }

        public override string ToString() => string.Join('\n', told.Concat(world.Host.Done));

        public void Dispose() => world.Dispose();

        private static FakeDevice Device(ushort vendor, ushort product, string? serial = null) =>
            new() { Name = $"{vendor:x4}:{product:x4} {serial}", UsbId = new(vendor, product), Serial = serial };

        private void Step(int kind, int number)
        {
            var (device, port) = (devices[number % devices.Length], Ports[number / devices.Length % Ports.Length]);
            switch (kind)
            {
                case <= 5:
                    Put(device, port);
                    break;
                case 6 when In(port) is { } there:
                    Tell($"pull {there}", () => world.Host.Pull(there));
                    break;
                case 7 or 8:
                    Claim(number);
                    break;
                case <= 12 when isUp && In(port) is { } there && model.CanRelease(there):
                    Tell($"release {there}", () => model.Release(there, Ask(s => s.ReleaseClaimAsync(World.Root, new() { Device = $"port:{port}" }, default))));
                    break;
                case 13 when isUp && model.Held is { Count: > 0 } held:
                    Tell($"retry {held[number % held.Count]}", () => world.Retry(held[number % held.Count]));
                    model.Retry(held[number % held.Count]);
                    break;
                case 14 when isUp && In(port) is { } there:
                    Label(there, Labels[number / 30 % Labels.Length]);
                    break;
                case 15 or 16:
                    Load([Rules[number % 8], Rules[number / 8 % 8], .. number / 64 % 2 == 0 ? [new PortRule(RuleTarget.Allow, null, [])] : Array.Empty<PortRule>()]);
                    break;
                case 17 when isUp:
                    Tell("the daemon dies", world.Crash);
                    isUp = false;
                    break;
                case 18:
                    Start();
                    break;
                case 19:
                    Tell("a guest is started anew", () => world.Host.Restart(guests[number % 2]));
                    break;
            }
        }

        /// <summary>Whatever is in the port, or in its other half, makes room first; the daemon follows later.</summary>
        private void Put(FakeDevice device, string port) => Tell($"put {device} into {port}", () =>
        {
            foreach (var other in devices.Where(d => d == device || (d.IsPlugged && d.Port![1..] == port[1..])).Where(d => d.IsPlugged))
            {
                world.Host.Pull(other);
            }

            world.Host.Plug(device, port);
        });

        /// <summary>
        /// By its port, or by its label where that names one device. Left out is what is no matter of this test: to claim what was released from this
        /// guest, and to claim by port where a device with a serial may come that has the same USB id.
        /// </summary>
        private void Claim(int number)
        {
            var (guest, overrides, text) = (guests[number / 3 % 2], number / 6 % 3 == 0, Labels[number / 18 % 2]);
            var labelled = Labelled(text);
            if (!isUp || (labelled.Count == 1 ? labelled[0] : In(Ports[number % 3])) is not { } device || model.IsHeld(device, guest.Name)
                || Array.Exists(devices, d => d.UsbId == device.UsbId && d.Serial is not null && device.Serial is null))
            {
                return;
            }

            var name = labelled.Count == 1 ? text : $"port:{device.Port}";
            Tell($"claim {device} as {name} for {guest}{(overrides ? ", against the rules" : "")}", () => Assert.That(
                IsDone(() => world.Claim(name, guest, r => r.OverrideReason = overrides ? "test" : "")), Is.EqualTo(model.Claim(device, guest.Name, overrides)),
                "whether the claim is accepted"));
        }

        private void Label(FakeDevice device, string text) => Tell($"label {device} '{text}'", () =>
        {
            world.Ask(s => s.SetDeviceLabelAsync(World.Root, new() { Device = $"port:{device.Port}", Label = text }, default));
            model.Label(device, text);
        });

        private void Load(IReadOnlyList<PortRule> rules) => Tell($"the rules are: {string.Join("; ", rules)}", () =>
        {
            Assert.That(RuleParser.TryParse("rules", string.Join('\n', rules), out var file, out var error), Is.True, $"{error}");
            var loaded = new LoadedRules { Set = new RuleSet(file!.Rules) };
            if (isUp)
            {
                world.Reload(loaded);
                model.Load(rules);
            }
            else
            {
                (world.Rules, waiting) = (loaded, rules);
            }
        });

        private void Start()
        {
            if (!isUp)
            {
                // What happened meanwhile is told to nobody.
                world.Host.Disconnect();
                Tell("the daemon starts", world.Start);
                isUp = true;
                model.Load(waiting ?? model.Rules);
                waiting = null;
            }
        }

        /// <summary>Time goes on, so that what was tried in vain is tried again.</summary>
        private void Rest()
        {
            if (isUp)
            {
                world.Settle();
                world.Advance(2);
                CheckGuests();
                CheckNames();
            }
        }

        private void CheckGuests()
        {
            var expected = devices.Where(d => d.IsPlugged && model.GuestOf(d) is not null).Select(d => $"{d} in {model.GuestOf(d)}");
            var found = guests.SelectMany(g => g.Hostdevs.Select(h => h.IsLive ? $"{h.Device} in {g}" : $"{h.Alias}, which is dead, in {g}"));

            Assert.That(found, Is.EquivalentTo(expected), "what is in the guests");
        }

        private void CheckNames()
        {
            var listed = Read(s => s.ListDevicesAsync(World.Root, new(), default)).Devices.ToDictionary(d => d.Port, StringComparer.Ordinal);
            foreach (var device in devices.Where(d => d.IsPlugged))
            {
                Assert.That(listed[device.Port!].Label, Is.EqualTo(model.LabelOf(device)), $"the label of {device}");
                Assert.That(listed[device.Port!].Id, Is.EqualTo(ids.GetValueOrDefault(PlainIdentity.ForLabels(device), listed[device.Port!].Id)), $"the id of {device}");
                ids[PlainIdentity.ForLabels(device)] = listed[device.Port!].Id;
            }

            Assert.That(ids.Values, Is.Unique, "an id names one device");
            foreach (var text in Labels.Where(t => t.Length > 0))
            {
                var named = Labelled(text);
                var isOne = IsDone(() => Assert.That(Read(s => s.GetDeviceAsync(World.Root, new() { Device = text }, default)).Port, Is.EqualTo(named[0].Port), text));

                Assert.That(isOne, Is.EqualTo(named.Count == 1), $"whether {text} names one device");
            }
        }

        private FakeDevice? In(string port) => Array.Find(devices, d => d.Port == port);

        private List<FakeDevice> Labelled(string text) => [.. devices.Where(d => d.IsPlugged && model.LabelOf(d) == text)];

        /// <summary>What only reads is answered at once.</summary>
        private T Read<T>(Func<HostService, ValueTask<T>> read) => read(world.Service).AsTask().GetAwaiter().GetResult();

        private ClaimId Ask(Func<HostService, ValueTask<Api.V1.Claim>> ask) => ClaimId.Parse(world.Ask(ask).Id);

        private void Tell(string what, Action act)
        {
            told.Add(what);
            act();
        }

        private static bool IsDone(Action act)
        {
            try
            {
                act();
                return true;
            }
            catch (HostException)
            {
                return false;
            }
        }
    }
}
