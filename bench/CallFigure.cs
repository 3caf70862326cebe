// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using UsbHostd.Api;

namespace UsbHostd.Bench;

/// <summary>ListDevices over the unix socket, beside grpc-go answering the same bytes, from one client, by turns.</summary>
internal static class CallFigure
{
    private const int Devices = 100;
    private const int Rounds = 5;
    private const string Aim = ">= grpc-go";
    private static readonly int[] AtOnce = [1, 16];
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<Figure>> MeasureAsync()
    {
        if (!File.Exists(Checkout.GrpcGo))
        {
            return [Figure.Skipped($"ListDevices, {Devices} devices", Aim, $"there is no {Checkout.GrpcGo}: golang-go and golang-google-grpc-dev are missing")];
        }

        using var host = new Host(Devices);
        using var daemon = Served.Daemon(ProcessFigures.NoLibvirt, host.Root);
        using (var watch = UsbHostClient.Connect("unix:" + daemon.Socket))
        {
            await ProcessFigures.SeesAsync(watch, host.Ports);
        }

        using var ours = new LoadClient(daemon.Socket, UsbHostMethods.ListDevices);
        var answer = await ours.CallAsync();
        using var peer = Served.GrpcGo(answer);
        using var theirs = new LoadClient(peer.Socket, UsbHostMethods.ListDevices);
        List<Figure> figures = [];
        foreach (var atOnce in AtOnce)
        {
            figures.Add(await CompareAsync(ours, theirs, atOnce, answer.Length));
        }

        return figures;
    }

    private static async Task<Figure> CompareAsync(LoadClient ours, LoadClient theirs, int atOnce, int bytes)
    {
        // The first round of each finds code that was not compiled for speed yet.
        List<IReadOnlyList<TimeSpan>> us = [], them = [];
        for (var round = 0; round <= Rounds; round++)
        {
            us.Add(await ours.RunAsync(atOnce, Round));
            them.Add(await theirs.RunAsync(atOnce, Round));
        }

        us.RemoveAt(0);
        them.RemoveAt(0);
        var (our, their) = (PerSecond(us), PerSecond(them));
        return new Figure(
            $"ListDevices, {Devices} devices, {atOnce} at once", Shown(our, us), $"{Shown(their, them)} grpc-go", our / their, Aim, our >= their)
        {
            Notes =
            [
                $"an answer of {bytes / 1024} KiB, by turns of a second, {Rounds} each, from one .NET client on the same processors",
                "grpc-go sends bytes that it was given and decodes nothing; ours decides what the caller may see",
            ],
        };
    }

    private static double PerSecond(List<IReadOnlyList<TimeSpan>> rounds) => Figures.Median(rounds.Select(times => (long)times.Count)) / Round.TotalSeconds;

    private static string Shown(double perSecond, List<IReadOnlyList<TimeSpan>> rounds)
    {
        var all = rounds.SelectMany(times => times).Order().ToList();
        return $"{perSecond.ToString("N0", CultureInfo.InvariantCulture)}/s, p99 {Figures.Time(all[all.Count * 99 / 100])}";
    }
}
