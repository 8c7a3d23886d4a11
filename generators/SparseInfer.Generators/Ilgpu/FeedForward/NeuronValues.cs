using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How neurons' values are left, in shared memory, for down.</summary>
internal abstract class NeuronValues(CodeWriter code)
{
    protected CodeWriter Code => code;

    /// <summary>Whether what is not zero stands on a list.</summary>
    public virtual bool HasList => false;

    /// <summary>Whether the values of neurons that are skipped are read, and so have to be zero.</summary>
    public virtual bool HasZeros => false;

    /// <summary>Writes what has to be there before the first neuron: of the group, then of a warp.</summary>
    public virtual void EmitStart()
    {
    }

    public virtual void EmitWarpStart()
    {
    }

    /// <summary>Writes where the value of the <c>n</c>-th neuron goes.</summary>
    public abstract void Emit(string value);

    /// <summary>Writes what follows a warp's last neuron, before anything is counted, and when all of that is done.</summary>
    public virtual void EmitEnd()
    {
    }

    public virtual void EmitWait()
    {
        code.Line("Group.Barrier();");
        code.Line();
    }

    /// <summary>How many values there are.</summary>
    public virtual string Count => throw Unread();

    /// <summary>The neuron that has the value in a place.</summary>
    public virtual string Neuron(string place) => throw Unread();

    /// <summary>Whether there are as many in every group.</summary>
    public virtual bool IsWhole => false;

    private InvalidOperationException Unread() => new($"Rows of down do not go by {GetType().Name}.");
}

/// <summary>Nothing is skipped: a value for each neuron.</summary>
internal sealed class ValueOfEach(CodeWriter code, IlgpuFeedForwardPlan plan, NeuronSource source) : NeuronValues(code)
{
    public override void Emit(string value)
    {
        using (Code.Block("if (lane == 0)"))
        {
            Code.Line($"values[n] = {value};");
        }
    }

    public override string Count => source.IsWhole ? "SliceNeurons" : "count";

    public override string Neuron(string place) => $"(first + {place})";

    public override bool IsWhole => source.IsWhole && plan.SliceNeurons % IlgpuFeedForwardPlan.DownRowsAtOnce == 0;
}

/// <summary>Down goes by blocks of neurons, zeros among them.</summary>
internal sealed class ValuesAmongZeros(CodeWriter code, IlgpuFeedForwardPlan plan) : NeuronValues(code)
{
    public override bool HasZeros => true;

    public override void EmitStart()
    {
        using (plan.SliceNeurons == plan.Threads ? default(CodeWriter.Scope?) : Code.Block("if (thread < SliceNeurons)"))
        {
            Code.Line("values[thread] = 0f;");
        }

        Code.Line();
    }

    public override void Emit(string value)
    {
        using (Code.Block("if (lane == 0)"))
        {
            Code.Line($"values[neuron - first] = {value};");
        }
    }
}

/// <summary>What is not zero becomes a list of neurons and values, in ascending order.</summary>
internal sealed class ActiveList(CodeWriter code, NeuronSource source) : NeuronValues(code)
{
    public override bool HasList => true;

    public override void EmitWarpStart() => Code.Lines("""
        uint active = 0u;
        float mine = 0f;
        """);

    public override void Emit(string value)
    {
        Code.Line("active |= 1u << (n - from);");
        Code.Line($"mine = lane == n - from ? {value} : mine;");
    }

    public override void EmitEnd()
    {
        Code.Line("// What is not zero becomes the list that down goes through, in ascending order.");
        source.EmitOwn();
        NeuronCode.EmitCompaction(Code, "active", "rows", "rank", "Warps");
        using (Code.Block("if (((active >> lane) & 1u) != 0u)"))
        {
            Code.Line($"int entryOfLane = rank + {NeuronCode.Before("active")};");
            Code.Line($"neurons[entryOfLane] = {source.Own};");
            Code.Line("values[entryOfLane] = mine;");
        }

        Code.Line();
        Code.Line("Group.Barrier();");
        Code.Line();
    }

    public override void EmitWait()
    {
    }

    public override string Count => "rows";

    public override string Neuron(string place) => $"neurons[{place}]";
}
