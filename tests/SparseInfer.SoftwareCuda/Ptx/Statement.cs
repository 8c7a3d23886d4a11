namespace SparseInfer.SoftwareCuda.Ptx;

internal enum StatementKind
{
    Instruction,
    Label,
    Open,
    Close,
}

/// <summary>A piece of a function's body.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">An instruction or declaration without its semicolon, or a label's name.</param>
/// <param name="Line">Where it begins, from 1.</param>
/// <param name="Source">The C# line that it comes from, <c>File.cs:12</c>; null where nothing says so.</param>
internal sealed record Statement(StatementKind Kind, string Text, int Line, string? Source);

/// <summary>A parameter or variable as it is declared.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its size; 0: given at the launch.</param>
/// <param name="Alignment">A power of two.</param>
internal sealed record Declaration(string Name, int Bytes, int Alignment)
{
    /// <summary>Reads <c>.align 8 .b8 name[16]</c> or <c>.b32 name</c>, state spaces left out.</summary>
    public static Declaration Parse(string text, int line)
    {
        int alignment = 0;
        int bytes = 0;
        string name = "";
        string[] words = text.Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        for (int w = 0; w < words.Length; w++)
        {
            switch (words[w])
            {
                case ".align" when w + 1 < words.Length:
                    alignment = int.Parse(words[++w]);
                    break;
                case ".ptr" or ".global" or ".shared" or ".local" or ".param" or ".const" or ".visible" or ".extern" or ".weak" or ".v2" or ".v4":
                    break;
                case string type when type[0] == '.':
                    bytes = TypeBytes(type[1..], line);
                    break;
                default:
                    name += words[w];
                    break;
            }
        }

        alignment = Math.Max(alignment, Math.Max(bytes, 1));
        int bracket = name.IndexOf('[');
        if (bracket >= 0)
        {
            string count = name[(bracket + 1)..name.IndexOf(']')];
            bytes *= count.Length == 0 ? 0 : int.Parse(count);
            name = name[..bracket];
        }

        if (name.Length == 0)
        {
            throw new PtxException($"line {line}: a declaration without a name: {text}", line);
        }

        return new Declaration(name, bytes, alignment);
    }

    /// <summary>Bytes of a type: <c>u32</c>. A predicate's are 0.</summary>
    public static int TypeBytes(string type, int line) => type switch
    {
        "pred" => 0,
        "b8" or "s8" or "u8" => 1,
        "b16" or "s16" or "u16" or "f16" or "bf16" => 2,
        "b32" or "s32" or "u32" or "f32" or "f16x2" or "bf16x2" => 4,
        "b64" or "s64" or "u64" or "f64" => 8,
        _ => throw new PtxException($"line {line}: the type .{type} is not known", line),
    };
}

/// <summary>A function or entry, as it is written.</summary>
internal sealed record FunctionText(
    string Name,
    IReadOnlyList<Declaration> Returns,
    IReadOnlyList<Declaration> Parameters,
    int MaxThreads,
    IReadOnlyList<Statement> Body,
    int Line);
