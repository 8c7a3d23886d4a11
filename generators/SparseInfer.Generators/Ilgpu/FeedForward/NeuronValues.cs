using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How neurons' values are left, in shared memory, for down.</summary>
internal abstract class NeuronValues
{
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

    public abstract void EmitWait();

    /// <summary>How many values there are.</summary>
    public virtual string Count => throw Unread();

    /// <summary>The neuron that has the value in a place.</summary>
    public virtual string Neuron(string place) => throw Unread();

    /// <summary>Whether there are as many in every group.</summary>
    public virtual bool IsWhole => false;

    private InvalidOperationException Unread() => new($"Rows of down do not go by {GetType().Name}.");
}

/// <summary>Nothing is skipped: a value for each neuron.</summary>
internal sealed class ValueOfEach(CodeWriter code, IlgpuFeedForwardPlan plan, NeuronSource source) : NeuronValues
{
    public override void Emit(string value)
    {
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"values[n] = {value};");
        }
    }

    public override void EmitWait()
    {
        code.Line("Group.Barrier();");
        code.Line();
    }

    public override string Count => source.IsWhole ? "SliceNeurons" : "count";

    public override string Neuron(string place) => $"(first + {place})";

    public override bool IsWhole => source.IsWhole && plan.SliceNeurons % IlgpuFeedForwardPlan.DownRowsAtOnce == 0;
}

/// <summary>Down goes by blocks of neurons, zeros among them.</summary>
internal sealed class ValuesAmongZeros(CodeWriter code, IlgpuFeedForwardPlan plan) : NeuronValues
{
    public override bool HasZeros => true;

    public override void EmitStart()
    {
        using (plan.SliceNeurons == plan.Threads ? default(CodeWriter.Scope?) : code.Block("if (thread < SliceNeurons)"))
        {
            code.Line("values[thread] = 0f;");
        }

        code.Line();
    }

    public override void Emit(string value)
    {
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"values[neuron - first] = {value};");
        }
    }

    public override void EmitWait()
    {
        code.Line("Group.Barrier();");
        code.Line();
    }
}

/// <summary>What is not zero becomes a list of neurons and values, in ascending order.</summary>
internal sealed class ActiveList(CodeWriter code, NeuronSource source) : NeuronValues
{
    public override bool HasList => true;

    public override void EmitWarpStart() => code.Lines("""
        uint active = 0u;
        float mine = 0f;
        """);

    public override void Emit(string value)
    {
        code.Line("active |= 1u << (n - from);");
        code.Line($"mine = lane == n - from ? {value} : mine;");
    }

    public override void EmitEnd()
    {
        code.Line("// What is not zero becomes the list that down goes through, in ascending order.");
        source.EmitOwn();
        NeuronCode.EmitCompaction(code, "active", "rows", "rank", "Warps");
        using (code.Block("if (((active >> lane) & 1u) != 0u)"))
        {
            code.Line($"int entryOfLane = rank + {NeuronCode.Before("active")};");
            code.Line($"neurons[entryOfLane] = {source.Own};");
            code.Line("values[entryOfLane] = mine;");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    public override void EmitWait()
    {
    }

    public override string Count => "rows";

    public override string Neuron(string place) => $"neurons[{place}]";
}
