namespace SparseInfer.Text.ChatTemplates;

/// <summary>What <c>joiner(', ')</c> returns: called, it gives nothing the first time, and then the text.</summary>
internal sealed class JoinerValue(object? separator) : ICallable
{
    private bool _used;

    public string Name => "joiner";

    public object? Call(Rendering rendering, CallArguments arguments)
    {
        if (arguments.Positional.Count + arguments.Named.Count > 0)
        {
            throw new TemplateFault("a joiner takes no argument");
        }

        object? text = _used ? separator : TemplateText.Empty;
        _used = true;
        return text;
    }
}
