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
    let at = working(y, x);
    let column_sum = working(y - 1, x) + working(y + 1, x);
    let row_sum = working(y, x - 1) + working(y, x + 1);
    let far_column = working(y - 2, x) + working(y + 2, x);
    let far_row = working(y, x - 2) + working(y, x + 2);
    let falling = working(y - 1, x - 1) + working(y + 1, x + 1);
    let diagonal = falling + (working(y - 1, x + 1) + working(y + 1, x - 1));
    let measured = sample(y, x);
    if (is_chroma(y, x)) {
        let far = far_column + far_row;
        let green = 4.0 * at + 2.0 * (column_sum + row_sum) - far;
        let opposite = 6.0 * at + 2.0 * diagonal - 1.5 * far;
        store(own, row, id.x, measured);
        store(1u, row, id.x, leave(green * 0.125, 1u));
        store(other, row, id.x, leave(opposite * 0.125, other));
    } else {
        let of_row = 5.0 * at + 4.0 * row_sum - (far_row + diagonal) + 0.5 * far_column;
        let of_column = 5.0 * at + 4.0 * column_sum - (far_column + diagonal) + 0.5 * far_row;
        store(own, row, id.x, leave(of_row * 0.125, own));
        store(1u, row, id.x, measured);
        store(other, row, id.x, leave(of_column * 0.125, other));
    }
}
