using System.Text;

namespace SparseInfer.Oracle.Tests;

/// <summary>Texts on which tokenizers are compared: this project's pages, llama.cpp's own cases, and random ones from a fixed seed.</summary>
internal static class OracleTexts
{
    /// <summary>Names a folder whose <c>*.txt</c> and <c>*.raw</c> files are compared too: by hand.</summary>
    private const string MoreVariable = "SPARSEINFER_TEXTS";

    private const string Separator = "\n__ggml_vocab_test__\n";

    /// <summary>A few of every class that an expression of a pre-tokenizer asks for.</summary>
    private static readonly string[] Alphabet =
    [
        .. ("aAbsStTzZdDmMrReElLvV'éÉßǅʰªΩω" + "жЖאبتहि้ก中文ひカ한" + "0123456789²½Ⅷ٣३７" + " \t\n\r\u000B\u0085\u00A0\u2003\u2028\u3000\u200B"
            + "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~" + "¿«»–“”…。，！（" + "€©°±×÷→∑" + "\u0301\u0308\u0903\u20DD" + "\u00AD\u200D\uFE0F\uFEFF\uE000\u0001")
            .Select(character => character.ToString()),
        "😀", "🚀", "𝒜", "𝟙", "𐍈", "𠀀", "<|end|>", "<tool>",
    ];

    /// <summary>Written texts, by paragraphs.</summary>
    public static IReadOnlyList<string> Written { get; } =
    [
        .. File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "tokenizers", "ggml-vocab-gpt-2.gguf.inp")).Split(Separator),
        .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "texts")).Order(StringComparer.Ordinal).SelectMany(Paragraphs),
        .. Environment.GetEnvironmentVariable(MoreVariable) is { Length: > 0 } more
            ? ((string[])["*.txt", "*.raw"]).SelectMany(pattern => Directory.GetFiles(more, pattern)).Order(StringComparer.Ordinal).SelectMany(Paragraphs)
            : [],
    ];

    /// <summary>Runs of a class, and all classes mixed.</summary>
    public static IEnumerable<string> OfClasses(int count)
    {
        var random = new Random(31);
        for (int i = 0; i < count; i++)
        {
            // A few characters come often, so that there are runs.
            string[] few = random.GetItems(Alphabet, random.Next(2, 12));
            yield return string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.GetItems(random.Next(4) == 0 ? Alphabet : few, 1)[0]));
        }
    }

    /// <summary>Code points from all of Unicode, assigned or not, with ASCII between.</summary>
    public static IEnumerable<string> OfUnicode(int count)
    {
        var random = new Random(37);
        for (int i = 0; i < count; i++)
        {
            var text = new StringBuilder();
            for (int length = random.Next(1, 40); length > 0; length--)
            {
                text.Append(new Rune(random.Next(5) switch
                {
                    0 => random.Next(' ', 0x7F),
                    1 => random.Next(0x80, 0x3000),
                    2 => random.Next(0x3000, 0xD800),
                    3 => random.Next(0xE000, 0x20000),
                    _ => random.Next(0x20000, 0x110000),
                }));
            }

            yield return text.ToString();
        }
    }

    private static IEnumerable<string> Paragraphs(string path)
    {
        var paragraph = new StringBuilder();
        foreach (string line in File.ReadLines(path))
        {
            paragraph.Append(line).Append('\n');
            if (paragraph.Length > 1000)
            {
                yield return paragraph.ToString();
                paragraph.Clear();
            }
        }

        yield return paragraph.ToString();
    }
}
