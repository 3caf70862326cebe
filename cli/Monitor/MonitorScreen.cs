// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using UsbHostd.Api.V1;

namespace UsbHostd.Cli.Monitor;

/// <summary>Draws the view: what is connected, counts, a table in which a row is selected, and what there is to say of that row.</summary>
internal sealed class MonitorScreen(string address, bool isColored)
{
    private const string Gap = "  ";

    /// <summary>Lines that are no rows of the table: two heads, an empty one, the headers; at the end what is said, and the keys.</summary>
    private const int OtherLines = 6;

    private const int PhaseColumn = 5;

    private static readonly string[] Headers = ["Port", "Name", "Serial", "USB id", "Guest", "Phase", "Reason"];

    /// <summary>Columns that get narrower where the terminal is, the first to give way first, and how narrow. A name gives way twice.</summary>
    private static readonly (int Column, int Narrowest)[] Shrinking = [(1, 16), (6, 8), (4, 6), (2, 8), (1, 8), (5, 8)];

    private static readonly string[] Orders = ["port", "name", "guest", "phase"];

    private int order;
    private int top;
    private int selected;
    private string? selectedKey;

    /// <summary>Selects another row: so many below, or above where negative.</summary>
    public void Move(int rows)
    {
        selected += rows;
        selectedKey = null;
    }

    public void SortDifferently() => order = (order + 1) % Orders.Length;

    /// <summary>A whole frame, for a terminal of this size.</summary>
    public string Frame(MonitorModel model, int columns, int rows)
    {
        MonitorRow[] sorted = [.. model.Rows().OrderBy(SortKey, StringComparer.Ordinal).ThenBy(row => PortKey(row.Port), StringComparer.Ordinal)];
        var room = Math.Max(0, rows - OtherLines);
        Select(sorted, room);
        var widths = Widths(sorted, columns);
        List<string> lines = [Fit(Head(model), columns), Fit(Counts(model), columns), "", Invert(Pad(Cells(Headers, widths), columns))];
        for (var i = top; i < top + room; i++)
        {
            lines.Add(i < sorted.Length ? Line(sorted[i], widths, columns, i == selected) : "");
        }

        lines.Add(sorted.Length > 0 ? Fit(TerminalText.Escape(sorted[selected].Message), columns) : "");
        lines.Add(Fit($"q quit   up, down select   s sort: {Orders[order]}", columns));
        var frame = new StringBuilder();
        foreach (var (number, line) in lines.Take(rows).Index())
        {
            // Erased before and not behind: a full line leaves the cursor on its last character.
            frame.Append(CultureInfo.InvariantCulture, $"\u001b[{number + 1};1H\u001b[2K{line}");
        }

        return frame.ToString();
    }

    private static string Fit(string text, int columns) => TerminalText.Fit(text, columns);

    private static string Pad(string text, int columns)
    {
        var fitted = Fit(text, columns);
        return fitted + new string(' ', Math.Max(0, columns - TerminalText.WidthOf(fitted)));
    }

    private static string Cells(string[] cells, int[] widths) =>
        string.Join(Gap, cells.Select((cell, i) => Pad(cell, widths[i])));

    private static string[] CellsOf(MonitorRow row) => [row.Port, row.Name, row.Serial, row.UsbId, row.Guest, row.Phase, row.Reason];

    private static int[] Widths(MonitorRow[] rows, int columns)
    {
        int[] widths = [.. Headers.Select(header => header.Length)];
        foreach (var cells in rows.Select(CellsOf))
        {
            for (var i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], TerminalText.WidthOf(TerminalText.Escape(cells[i])));
            }
        }

        var excess = widths.Sum() + (Gap.Length * (widths.Length - 1)) - columns;
        foreach (var (column, narrowest) in Shrinking)
        {
            var give = Math.Clamp(excess, 0, Math.Max(0, widths[column] - narrowest));
            widths[column] -= give;
            excess -= give;
        }

        return widths;
    }

    private static string Counts(MonitorModel model)
    {
        var running = model.Guests.Count(guest => guest.State == Guest.Types.State.Running);
        var phases = model.Claims.GroupBy(Words.Phase, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => $"{group.Count()} {group.Key}");
        var claims = string.Join(", ", phases);
        return $"{model.Devices.Count()} devices   {model.Guests.Count} guests, {running} running   {model.Claims.Count} claims" + (claims.Length > 0 ? ": " + claims : "");
    }

    /// <summary>"1-4.10" behind "1-4.2": numbers are compared as such.</summary>
    private static string PortKey(string port)
    {
        var key = new StringBuilder();
        foreach (var part in port.Split('-', '.'))
        {
            key.Append(part.PadLeft(4, '0')).Append('.');
        }

        return key.ToString();
    }

    private string SortKey(MonitorRow row) => order switch
    {
        1 => row.Name,
        2 => row.Guest,
        3 => row.Phase,
        _ => "",
    };

    private string Head(MonitorModel model)
    {
        var who = $"usbhostd {TerminalText.Escape(model.Version)}".TrimEnd() + " at " + TerminalText.Escape(address);
        return model.Failure.Length == 0 ? who : $"{who}: not connected, trying again: {TerminalText.Escape(model.Failure)}";
    }

    /// <summary>The selection stays on its row wherever that goes, and in sight.</summary>
    private void Select(MonitorRow[] rows, int room)
    {
        var followed = selectedKey is null ? -1 : Array.FindIndex(rows, row => row.Key == selectedKey);
        selected = Math.Clamp(followed >= 0 ? followed : selected, 0, Math.Max(0, rows.Length - 1));
        selectedKey = selected < rows.Length ? rows[selected].Key : null;
        top = Math.Clamp(top, Math.Max(0, selected - Math.Max(1, room) + 1), selected);
        top = Math.Clamp(top, 0, Math.Max(0, rows.Length - Math.Max(1, room)));
    }

    private string Line(MonitorRow row, int[] widths, int columns, bool isSelected)
    {
        string[] cells = [.. CellsOf(row).Select(TerminalText.Escape)];
        var text = Pad(Cells(cells, widths), columns);
        if (isSelected || !isColored || row.Tone == Tone.Plain)
        {
            return isSelected ? Invert(text) : text;
        }

        // What comes before the phase has its padding: so the colour begins at a known column.
        var before = Pad(Cells(cells[..PhaseColumn], widths[..PhaseColumn]) + Gap, Math.Min(columns, widths[..PhaseColumn].Sum() + (PhaseColumn * Gap.Length)));
        var left = columns - TerminalText.WidthOf(before);
        return left <= 0 ? text : before + Colors.Paint(Fit(Cells(cells[PhaseColumn..], widths[PhaseColumn..]), left), row.Tone);
    }

    private static string Invert(string text) => Colors.Reverse + text + Colors.Off;
}
