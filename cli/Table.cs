// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Cli;

/// <summary>A table as virsh prints it: a line of headers, a line of dashes, the rows, an empty line.</summary>
/// <param name="shrinking">Indices of the columns that may become narrower, the first to give way first.</param>
internal sealed class Table(string[] headers, params int[] shrinking)
{
    private const string Gap = "   ";

    /// <summary>A column never gets narrower than this many characters, or its header.</summary>
    private const int Narrowest = 8;

    private readonly List<(string[] Cells, int Toned, Tone Tone)> rows = [];

    /// <summary>Adds a row; the cells are escaped here.</summary>
    public void Add(params string[] cells) => AddToned(0, Tone.Plain, cells);

    /// <summary>As <see cref="Add"/>, with one of the cells in the colour of a tone.</summary>
    public void AddToned(int column, Tone tone, params string[] cells) => rows.Add((Array.ConvertAll(cells, TerminalText.Escape), column, tone));

    /// <summary>Adds a row whose cells are escaped already.</summary>
    public void AddEscaped(params string[] cells) => rows.Add((cells, 0, Tone.Plain));

    /// <param name="width">Columns of the terminal; null where nothing is to be cut.</param>
    public void Write(TextWriter output, int? width, bool isColored = false)
    {
        var widths = Widths(width);
        WriteRow(output, headers, widths, 0, Tone.Plain);
        output.WriteLine(new string('-', widths.Sum() + (Gap.Length * (widths.Length - 1)) + 2));
        foreach (var (cells, toned, tone) in rows)
        {
            WriteRow(output, cells, widths, toned, isColored ? tone : Tone.Plain);
        }

        output.WriteLine();
    }

    private static void WriteRow(TextWriter output, string[] cells, int[] widths, int toned, Tone tone)
    {
        var gap = " ";
        for (var i = 0; i < cells.Length; i++)
        {
            var text = TerminalText.Fit(cells[i], widths[i]);
            output.Write(gap);
            output.Write(i == toned ? Colors.Paint(text, tone) : text);
            gap = i < cells.Length - 1 ? new string(' ', widths[i] - TerminalText.WidthOf(text)) + Gap : "";
        }

        output.WriteLine();
    }

    private int[] Widths(int? available)
    {
        var widths = new int[headers.Length];
        for (var i = 0; i < widths.Length; i++)
        {
            widths[i] = headers[i].Length;
            foreach (var (cells, _, _) in rows)
            {
                widths[i] = Math.Max(widths[i], TerminalText.WidthOf(cells[i]));
            }
        }

        if (available is not { } width)
        {
            return widths;
        }

        var excess = widths.Sum() + (Gap.Length * (widths.Length - 1)) + 2 - width;
        foreach (var column in shrinking)
        {
            var give = Math.Clamp(excess, 0, Math.Max(0, widths[column] - Math.Max(Narrowest, headers[column].Length)));
            widths[column] -= give;
            excess -= give;
        }

        return widths;
    }
}
