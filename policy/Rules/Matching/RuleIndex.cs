// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace UsbHostd.Policy.Rules.Matching;

/// <summary>
/// The rules by what they ask of a device. For each attribute the device's value leads to the set of the rules that it passes; what is
/// in all of these sets matches, and the first whose conditions hold decides. The cost is one look-up for each attribute that any rule
/// asks for, and for each one bit a rule: it does not depend on how the values are spread.
/// </summary>
internal sealed class RuleIndex
{
    /// <summary>Two sets of bits stand on the stack up to here, for 32,768 rules: 8 KiB.</summary>
    private const int MostWordsOnStack = 512;

    private readonly ImmutableArray<Rule> rules;
    private readonly ulong[] possible;
    private readonly ulong[] conditional;
    private readonly IdIndex id;
    private readonly ValueIndex<string> serial;
    private readonly ValueIndex<string> name;
    private readonly ValueIndex<string> hash;
    private readonly ValueIndex<string> parentHash;
    private readonly ValueIndex<string> viaPort;
    private readonly InterfaceIndex withInterface;
    private readonly ValueIndex<string> withConnectType;
    private readonly ValueIndex<int> onBus;
    private readonly ValueIndex<string> onController;
    private readonly GlobIndex path;
    private readonly TimeIndex time;
    private readonly bool isAnyPossible;

    public RuleIndex(ImmutableArray<Rule> rules)
    {
        this.rules = rules;
        var words = Bits.Words(rules.Length);
        (possible, conditional) = (new ulong[words], new ulong[words]);
        (id, withInterface, path, time) = (new(rules.Length), new(rules.Length), new(rules.Length), new(rules.Length));
        (serial, name, hash, parentHash) = (new(rules.Length), new(rules.Length), new(rules.Length), new(rules.Length));
        (viaPort, withConnectType, onBus, onController) = (new(rules.Length), new(rules.Length), new(rules.Length), new(rules.Length));
        for (var place = 0; place < rules.Length; place++)
        {
            Add(place, rules[place]);
        }

        withInterface.Complete();
        path.Complete();
        time.Complete();
        isAnyPossible = possible.AsSpan().ContainsAnyExcept(0UL);
    }

    [SkipLocalsInit]
    public int Decide(RuleSubject device, IRuleContext context)
    {
        if (!isAnyPossible)
        {
            return -1;
        }

        var words = possible.Length;
        if (words <= MostWordsOnStack)
        {
            return Decide(device, context, stackalloc ulong[2 * words]);
        }

        var rented = ArrayPool<ulong>.Shared.Rent(2 * words);
        try
        {
            return Decide(device, context, rented.AsSpan(0, 2 * words));
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    private void Add(int place, Rule rule)
    {
        var settled = RuleConditions.Settled(rule);
        if (settled is not false)
        {
            Bits.Set(possible, place);
        }

        if (!time.TryAdd(place, rule) && settled is null)
        {
            Bits.Set(conditional, place);
        }

        id.Add(place, rule.Id);
        serial.Add(place, rule.Serial);
        name.Add(place, rule.Name);
        hash.Add(place, rule.Hash);
        parentHash.Add(place, rule.ParentHash);
        viaPort.Add(place, rule.ViaPort);
        withInterface.Add(place, rule.WithInterface);
        withConnectType.Add(place, rule.WithConnectType);
        onBus.Add(place, rule.OnBus);
        onController.Add(place, rule.OnController);
        path.Add(place, rule.Path);
    }

    private int Decide(RuleSubject device, IRuleContext context, Span<ulong> room)
    {
        var left = room[..possible.Length];
        var passing = room[possible.Length..];
        possible.CopyTo(left);

        // The most telling first: most devices are done after one or two.
        var any = serial.Narrow(left, passing, device.Serial)
            && id.Narrow(left, passing, device.Id)
            && hash.Narrow(left, passing, device.Hash)
            && viaPort.Narrow(left, passing, device.ViaPort)
            && name.Narrow(left, passing, device.Name)
            && withInterface.Narrow(left, passing, device.Interfaces.AsSpan())
            && parentHash.Narrow(left, passing, device.ParentHash)
            && withConnectType.Narrow(left, passing, device.ConnectType)
            && onBus.Narrow(left, passing, device.Bus)
            && onController.Narrow(left, passing, device.Controller)
            && path.Narrow(left, passing, device.IdPath)
            && time.Narrow(left, passing, context);
        return any ? First(left, device, context) : -1;
    }

    /// <summary>In the order of the rules, so that conditions are looked at just as if they were gone through one by one.</summary>
    private int First(ReadOnlySpan<ulong> matching, RuleSubject device, IRuleContext context)
    {
        for (var word = 0; word < matching.Length; word++)
        {
            for (var rest = matching[word]; rest != 0; rest &= rest - 1)
            {
                var place = (word * 64) + BitOperations.TrailingZeroCount(rest);
                if (path.IsLoose(place) && !RuleMatch.Attributes(rules[place], device))
                {
                    continue;
                }

                if (!Bits.Has(conditional, place) || RuleConditions.Hold(rules[place], place, context))
                {
                    return place;
                }
            }
        }

        return -1;
    }
}
