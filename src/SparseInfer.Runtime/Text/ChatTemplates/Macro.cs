namespace SparseInfer.Text.ChatTemplates;

/// <summary>A macro as it is written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">Names, with defaults where there are some.</param>
/// <param name="Body">What it prints.</param>
/// <param name="Mentioned">Every name in the body: only a macro that mentions <c>varargs</c>, <c>kwargs</c> or <c>caller</c> takes them.</param>
internal sealed record MacroShape(
    string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body, IReadOnlySet<string> Mentioned);

/// <summary>A macro, and the variables around it.</summary>
internal sealed class Macro(MacroShape shape, Scope around) : ICallable
{
    public string Name => shape.Name;

    public object? Attribute(string name) => name switch
    {
        "name" => new TemplateText(shape.Name),
        "arguments" => new TupleValue([.. shape.Parameters.Select(parameter => (object)new TemplateText(parameter.Name))]),
        "caller" => shape.Mentioned.Contains("caller"),
        "catch_kwargs" => shape.Mentioned.Contains("kwargs"),
        "catch_varargs" => shape.Mentioned.Contains("varargs"),
        _ => null,
    };

    public object? Call(Rendering rendering, CallArguments arguments)
    {
        var scope = new Scope(around);
        List<(TemplateText Name, object? Value)> named = [.. arguments.Named];
        for (int i = 0; i < shape.Parameters.Count; i++)
        {
            (string name, Expression? byDefault) = shape.Parameters[i];
            int given = named.FindIndex(argument => argument.Name.Value == name);
            bool placed = i < arguments.Positional.Count;
            if (placed && given >= 0)
            {
                throw Wrong($"got its argument '{name}' twice");
            }

            scope.Set(name, placed ? arguments.Positional[i]
                : given >= 0 ? named[given].Value
                : byDefault is not null ? rendering.Evaluate(byDefault, scope)
                : new UndefinedValue($"macro '{shape.Name}' was not given its argument '{name}'"));
            if (given >= 0)
            {
                named.RemoveAt(given);
            }
        }

        TakeRest(arguments, named, scope);
        return rendering.Capture(shape.Body, scope);
    }

    private void TakeRest(CallArguments arguments, List<(TemplateText Name, object? Value)> named, Scope scope)
    {
        if (shape.Mentioned.Contains("caller") && shape.Parameters.All(parameter => parameter.Name != "caller"))
        {
            int caller = named.FindIndex(argument => argument.Name.Value == "caller");
            scope.Set("caller", caller >= 0 ? named[caller].Value : new UndefinedValue("there is no 'caller': the macro was not called by a 'call' block"));
            named.RemoveAll(argument => argument.Name.Value == "caller");
        }

        int surplus = arguments.Positional.Count - shape.Parameters.Count;
        if (shape.Mentioned.Contains("varargs"))
        {
            scope.Set("varargs", new TupleValue([.. arguments.Positional.Skip(shape.Parameters.Count)]));
        }
        else if (surplus > 0)
        {
            throw Wrong($"takes at most {shape.Parameters.Count} arguments, not {arguments.Positional.Count}");
        }

        if (shape.Mentioned.Contains("kwargs"))
        {
            var rest = new DictValue();
            named.ForEach(argument => rest.Items[argument.Name] = argument.Value);
            scope.Set("kwargs", rest);
        }
        else if (named.Count > 0)
        {
            throw Wrong($"has no argument '{named[0].Name}'");
        }
    }

    private TemplateFault Wrong(string fault) => new($"macro '{shape.Name}' {fault}");
}
