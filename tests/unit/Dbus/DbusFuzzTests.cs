// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using NUnit.Framework;
using Tmds.DBus.Protocol;
using UsbHostd.Api.V1;
using UsbHostd.Daemon.Dbus;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Dbus;

/// <summary>Whatever the bus lets pass is answered: by the service, or by a refusal that has a name.</summary>
[TestFixture]
internal sealed class DbusFuzzTests
{
    /// <summary>USBHOSTD_FUZZ_INPUTS=1000000 before <c>./dev test --fast -- DbusFuzzTests</c> makes a long run of it.</summary>
    private static readonly int Calls = int.TryParse(Environment.GetEnvironmentVariable("USBHOSTD_FUZZ_INPUTS"), out var inputs) ? inputs : 10_000;

    private static readonly string[] Texts =
    [
        "", "x", "id:d1", "SERIAL", "PORT", "FOREVER", "Kinds", "Move", "DryRun", "\ufffd", "é🔑", "../../etc", "c'; drop table", "%s%n", "/", "\n\t\u001b[31m", new string('a', 5000),
    ];

    private static readonly string[] Types = ["s", "o", "b", "u", "t", "d", "v", "as", "a{sv}", "ao", "(su)", "a(ss)", "aas"];

    private static readonly string[] Standard = ["UnknownMethod", "UnknownObject", "UnknownInterface", "UnknownProperty", "PropertyReadOnly", "InvalidArgs"];

    private readonly Random random;

    /// <summary>The same calls each time; USBHOSTD_FUZZ_SEED makes others.</summary>
    private readonly int seed = int.TryParse(Environment.GetEnvironmentVariable("USBHOSTD_FUZZ_SEED"), out var asked) ? asked : 1;

    public DbusFuzzTests() => random = new Random(seed);

    [Test]
    public async Task RandomBodies_AgainstEveryMethod_AreAnsweredByName()
    {
        TestContext.Out.WriteLine($"seed {seed}");
        await using var dbus = await DbusFixture.StartAsync();
        AnswerEverything(dbus.Service);
        var methods = ManagerTable.Of(dbus.Service).Values.ToList();
        var names = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var done = 0; done < Calls; done += 50)
        {
            foreach (var name in await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => CallAsync(dbus.Client, methods))))
            {
                names[name] = names.GetValueOrDefault(name) + 1;
            }
        }

        var allowed = Standard.Select(n => "org.freedesktop.DBus.Error." + n).Append("org.usbhostd.UsbHost1.Error.InvalidArgument").Append("");
        Assert.That(names.Keys, Is.SubsetOf(allowed), $"seed {seed}");
        Assert.That(names.GetValueOrDefault(""), Is.GreaterThan(Calls / 20), $"calls that reach the service, seed {seed}");
        Assert.That(dbus.Log.Entries.Select(e => e.Id), Has.None.EqualTo(1401), $"seed {seed}");
    }

    /// <summary>The error's name; empty for an answer.</summary>
    private async Task<string> CallAsync(BusClient client, List<ManagerMethod> methods)
    {
        var method = methods[random.Next(methods.Count)];
        var (target, member, (signature, write)) = random.Next(10) switch
        {
            0 => (Below(DbusDoor.PropertiesInterface), random.Next(2) == 0 ? "Get" : "GetAll", Body(Some("ss", "s", RandomSignature()))),
            1 => (Below(Some(DbusDoor.PropertiesInterface, DbusDoor.ManagerInterface)), Some("Set", "Introspect", "Explode"), Body(RandomSignature())),
            2 => (BusClient.Manager, method.Name, Body(RandomSignature())),
            _ => (BusClient.Manager, method.Name, Fitting(method)),
        };
        try
        {
            await client.CallAsync(target, member, signature, write);
            return "";
        }
        catch (BusException e)
        {
            return e.Name;
        }
    }

    private BusTarget Below(string @interface) => new(
        DbusOptions.BusName, ObjectPaths.Root + Some("", "/devices", "/devices/d1", "/claims/c1", "/guests/a_b", "/x", "/devices/d1/x"), @interface);

    /// <summary>Of the right types, but for the options.</summary>
    private (string Signature, BodyWriter Write) Fitting(ManagerMethod method)
    {
        var texts = method.Arguments.Select(_ => Texts[random.Next(Texts.Length - 1)]).ToList();
        var options = Enumerable.Range(0, random.Next(3)).Select(_ => RandomOption(method)).ToList();
        BodyWriter body = (ref to) =>
        {
            foreach (var text in texts)
            {
                to.Text(text);
            }

            var start = to.WriteDictionaryStart();
            foreach (var (key, signature, write) in options)
            {
                to.Entry(key, signature, write);
            }

            to.WriteDictionaryEnd(start);
        };
        return (method.Signature, body);
    }

    private (string Key, string Signature, BodyWriter Write) RandomOption(ManagerMethod method)
    {
        var known = method.Options.ToList();
        if (known.Count == 0 || random.Next(3) == 0)
        {
            var any = RandomSignature(single: true);
            return (Texts[random.Next(Texts.Length)], any, Value(any));
        }

        var field = known[random.Next(known.Count)];
        var signature = random.Next(3) == 0 ? RandomSignature(single: true) : ProtoFields.SignatureOf(field);
        return (ProtoFields.NameOf(field), signature, Value(signature));
    }

    private string RandomSignature(bool single = false) =>
        single ? Types[random.Next(Types.Length)] : string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => Types[random.Next(Types.Length)]));

    private (string Signature, BodyWriter Write) Body(string signature)
    {
        var parts = Split(signature).Select(Value).ToList();
        return (signature, (ref to) => WriteAll(ref to, parts));
    }

    private static IEnumerable<string> Split(string signature)
    {
        while (signature.Length > 0)
        {
            var type = Types.OrderByDescending(t => t.Length).First(t => signature.StartsWith(t, StringComparison.Ordinal));
            yield return type;
            signature = signature[type.Length..];
        }
    }

    private static void WriteAll(ref MessageWriter to, List<BodyWriter> parts)
    {
        foreach (var write in parts)
        {
            write(ref to);
        }
    }

    private BodyWriter Value(string type)
    {
        var text = Texts[random.Next(Texts.Length)];
        var number = (uint)random.Next();
        var count = random.Next(4);
        switch (type)
        {
            case "s":
                return (ref to) => to.Text(text);
            case "o":
                return (ref to) => to.WriteObjectPath("/x");
            case "b":
                return (ref to) => to.WriteBool(number % 2 == 0);
            case "u":
                return (ref to) => to.WriteUInt32(number);
            case "t":
                return (ref to) => to.WriteUInt64(number);
            case "d":
                return (ref to) => to.WriteDouble(number);
            case "v":
                var within = Types[random.Next(6)];
                var inner = Value(within);
                return (ref to) => to.Variant(within, inner);
            case "(su)":
                return (ref to) =>
                {
                    to.WriteStructureStart();
                    to.Text(text);
                    to.WriteUInt32(number);
                };
            case "a(ss)":
                return (ref to) => to.WriteArrayEnd(to.WriteArrayStart(DBusType.Struct));
            case "a{sv}":
                return (ref to) =>
                {
                    var start = to.WriteDictionaryStart();
                    to.TextEntry(text, text);
                    to.WriteDictionaryEnd(start);
                };
            default:
                var element = type[1..];
                var elements = Enumerable.Range(0, random.Next(50) == 0 ? 2000 : count).Select(_ => element.Length > 1 ? (ref to) => to.WriteArray(Array.Empty<string>()) : Value(element)).ToList();
                return (ref to) =>
                {
                    var start = to.WriteArrayStart((DBusType)element[0]);
                    WriteAll(ref to, elements);
                    to.WriteArrayEnd(start);
                };
        }
    }

    private string Some(params string[] of) => of[random.Next(of.Length)];

    private static void AnswerEverything(FakeHostService service)
    {
        Answer<ListDevicesRequest>(service, new ListDevicesResponse());
        Answer<GetDeviceRequest>(service, new Device { Id = "d1" });
        Answer<SetDeviceLabelRequest>(service, new Device { Id = "d1" });
        Answer<TrustSerialRequest>(service, new Device { Id = "d1" });
        Answer<ListClaimsRequest>(service, new ListClaimsResponse());
        Answer<GetClaimRequest>(service, new Claim { Id = "c1" });
        Answer<CreateClaimRequest>(service, new Claim { Id = "c1" });
        Answer<MoveClaimRequest>(service, new Claim { Id = "c1" });
        Answer<ReleaseClaimRequest>(service, new Claim { Id = "c1" });
        Answer<RetryClaimRequest>(service, new Claim { Id = "c1" });
        Answer<ListGuestsRequest>(service, new ListGuestsResponse());
        Answer<GetGuestRequest>(service, new Guest { Uuid = "a-b" });
        Answer<StartGuestRequest>(service, new Guest { Uuid = "a-b" });
        Answer<GetPolicyRequest>(service, new Api.V1.Policy());
        Answer<ExplainPolicyRequest>(service, new Explanation());
        Answer<ReloadPolicyRequest>(service, new ReloadPolicyResponse());
        Answer<GeneratePolicyRequest>(service, new GeneratePolicyResponse());
        Answer<GetVersionRequest>(service, new Api.V1.Version());
        Answer<GetHealthRequest>(service, new Health());
        Answer<ListAnswersRequest>(service, new ListAnswersResponse());
        Answer<ListAuditRequest>(service, new ListAuditResponse());
        Answer<ForgetAnswerRequest>(service, new DeviceAnswer());
        Answer<GetStatisticsRequest>(service, new Statistics());
    }

    private static void Answer<TRequest>(FakeHostService service, IMessage answer)
        where TRequest : class, IMessage => service.On<TRequest>(_ => answer);
}
