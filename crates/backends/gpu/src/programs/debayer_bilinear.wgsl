@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    let y = i32(row);
    let x = i32(id.x);
    let own = chroma_of(y);
    let other = 2u - own;
    let column_sum = working(y - 1, x) + working(y + 1, x);
    let row_sum = working(y, x - 1) + working(y, x + 1);
    let measured = sample(y, x);
    if (is_chroma(y, x)) {
        let falling = working(y - 1, x - 1) + working(y + 1, x + 1);
        let rising = working(y - 1, x + 1) + working(y + 1, x - 1);
        store(own, row, id.x, measured);
        store(1u, row, id.x, leave((column_sum + row_sum) * 0.25, 1u));
        store(other, row, id.x, leave((falling + rising) * 0.25, other));
    } else {
        store(own, row, id.x, leave(row_sum * 0.5, own));
        store(1u, row, id.x, measured);
        store(other, row, id.x, leave(column_sum * 0.5, other));
    }
}
